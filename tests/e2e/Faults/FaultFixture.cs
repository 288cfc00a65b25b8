using CapiRegistryHook.Harness.Faults;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Faults;

/// <summary>
/// Two real API servers, a proxy that fails in front of each, and one published service that lives through all faults of a test class:
/// what it recovers from, it recovers from without a restart.
/// </summary>
public sealed class FaultFixture(RealEnvironment fixture) : IAsyncLifetime
{
    private FaultProxy? _management;
    private FaultProxy? _workload;
    private HookService? _service;

    public TestEnvironment Environment { get; private set; } = null!;

    public FaultProxy Management => _management!;

    public FaultProxy Workload => _workload!;

    public HookService Service => _service!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Environment = await fixture.EmptyAsync(CancellationToken);
        _management = await FaultProxy.StartAsync(Environment.Management, CancellationToken);
        _workload = await FaultProxy.StartAsync(Environment.Workload, CancellationToken);
        _service = await HookService.StartAsync(_management.Kubeconfig, [], CancellationToken);
    }

    /// <summary>Empty clusters, nothing broken.</summary>
    public Task EmptyAsync()
    {
        Management.Mend();
        Workload.Mend();
        return Environment.ClearAsync(CancellationToken);
    }

    /// <summary>
    /// A cluster with a kubeconfig that leads through the proxy, and its trust, as it is before its control plane answers.
    /// </summary>
    public async Task<TestCluster> PrepareAsync(ClusterApi capi, string name)
    {
        var cluster = await Environment.CreateClusterAsync(name, CancellationToken);
        await Environment.GiveKubeconfigAsync(cluster, Workload.Kubeconfig, CancellationToken);
        Assert.Equal("Success", (await capi.CallAsync(FaultRun.Version, "BeforeClusterCreate", cluster, CancellationToken)).Status);
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        if (_service is not null)
            await _service.DisposeAsync();
        if (_workload is not null)
            await _workload.DisposeAsync();
        if (_management is not null)
            await _management.DisposeAsync();
    }
}
