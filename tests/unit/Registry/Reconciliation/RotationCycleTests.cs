using System.Text;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes.Clusters;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests.Kubernetes;
using CapiRegistryHook.Unit.Tests.Registry.Trust;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>
/// One cluster through a whole rotation by the passes that the reconciler makes; only what its pods serve is told by the test.
/// </summary>
public sealed class RotationCycleTests : IAsyncLifetime
{
    private RotationFixture _fixture = null!;
    private SecretKubeconfigClients _workloads = null!;
    private RegistryPlan _plan = null!;
    private ServedResult _served = new ServedResult.AllServed();

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _fixture = await RotationFixture.StartAsync();
        _workloads = new SecretKubeconfigClients(_fixture.Client, ClientFixture.Quick, TimeProvider.System);
        var cluster = await _fixture.Objects.CreateAsync(
            AdminClient.Clusters("team-a"), TestEnvironment.NewCluster("c1"), CancellationToken);
        _plan = Clusters.Plan(Clusters.Read(cluster.ToJsonString()), _fixture.Options);
        await _fixture.Client.CreateAsync(CoreResources.Secrets, new Secret
        {
            Metadata = new ObjectMeta { Namespace = "team-a", Name = "c1-kubeconfig" },
            Data = new Dictionary<string, byte[]> { [SecretKeys.Kubeconfig] = Encoding.UTF8.GetBytes(_fixture.Server.Kubeconfig) },
        }, "test", CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _workloads.Dispose();
        await _fixture.DisposeAsync();
    }

    [Fact]
    public async Task Reconcile_ThroughARotation_SwitchesDrainsAndRetires()
    {
        await InstallAsync();
        await _fixture.AddMachineAsync("old");
        await _fixture.OrderAsync();
        Assert.Equal(RotationPhase.Prepare, (await AdvanceAsync()).Phase);

        _served = new ServedResult.Waiting("The pods roll.");
        Assert.Equal(RotationPhase.Switch, (await PassAsync()).Rotation);
        Assert.Contains("team-a/c1", (await AdvanceAsync()).Waits, StringComparison.Ordinal);
        _served = new ServedResult.AllServed();
        Assert.Equal(RotationPhase.Drain, (await PassAsync()).Rotation);
        Assert.Equal(2, (await AdvanceAsync()).Generation);

        Assert.Equal("Machine old", (await PassAsync()).Waits?.Oldest);
        await _fixture.RemoveMachineAsync("old");
        var last = await PassAsync();
        Assert.Equal((RotationPhase.None, "A former root is no longer trusted."), (last.Rotation, last.Changes[^1].Reason));
        Assert.Single(await _fixture.BundleAsync());
    }

    [Fact]
    public async Task Reconcile_PodsFoundServingSomethingElse_KeepsTheFormerRoot()
    {
        await InstallAsync();
        await _fixture.OrderAsync();
        await AdvanceAsync();
        await PassAsync();
        await PassAsync();
        Assert.Equal(2, (await AdvanceAsync()).Generation);

        _served = new ServedResult.Untrusted("A pod serves something else.");
        Assert.Equal(RotationPhase.Switch, (await PassAsync(verify: true)).Rotation);
        Assert.Equal(2, (await _fixture.BundleAsync()).Count);
        _served = new ServedResult.AllServed();
        await PassAsync(verify: true);
        Assert.Single(await _fixture.BundleAsync());
    }

    /// <summary>The first pass asks the pods to serve, the second sees that they do.</summary>
    private async Task InstallAsync()
    {
        await PassAsync();
        Assert.True((await PassAsync()).Certificate is { IsServed: true });
        _fixture.Time.Advance(TimeSpan.FromHours(1));
    }

    private async Task<ReconcileContext> PassAsync(bool verify = false)
    {
        var pass = new ReconcileContext { IsClusterLive = true };
        var chart = new ChartInstallation(_fixture.Client, _fixture.Options, _fixture.Time);
        var steps = new RegistryInstaller(
            _fixture.Client, new WorkloadAccess(_workloads), chart, _fixture.Options, _fixture.Time,
            (_, _, _) => Task.FromResult(_served));
        await steps.ReconcileAsync(_plan, verify, pass, CancellationToken);
        return pass;
    }

    private Task<RotationReport> AdvanceAsync() =>
        new RootRotation(_fixture.Client, _fixture.Options, _fixture.Time).AdvanceAsync(
            new RotationProgress(_fixture.Client, _fixture.Options), CancellationToken);
}
