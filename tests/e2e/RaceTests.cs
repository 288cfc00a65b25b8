using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>Interleavings of two replicas, brought about on purpose by holding calls at the API server.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class RaceTests(EmbeddedEnvironment fixture) : IAsyncLifetime
{
    private const string Version = "1.13.4";

    private TestEnvironment _environment = null!;
    private HookService _one = null!;
    private HookService _two = null!;
    private TestCluster _cluster = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    private EmbeddedApiServer Management => (EmbeddedApiServer)_environment.Management;

    private EmbeddedApiServer Workload => (EmbeddedApiServer)_environment.Workload;

    public async ValueTask InitializeAsync()
    {
        _environment = await fixture.EmptyAsync(CancellationToken);
        _one = await HookService.StartAsync(_environment.Management.Kubeconfig, [], CancellationToken);
        _two = await HookService.StartAsync(_environment.Management.Kubeconfig, [], CancellationToken);
        _cluster = await _environment.CreateClusterAsync("c1", CancellationToken);
        await _environment.GiveKubeconfigAsync(_cluster, CancellationToken);
        Assert.Equal("Success", (await CallAsync(_one, "AfterControlPlaneInitialized")).Status);
    }

    public async ValueTask DisposeAsync()
    {
        Management.ClearFaults();
        Workload.ClearFaults();
        await _one.DisposeAsync();
        await _two.DisposeAsync();
    }

    [Fact]
    public async Task BeforeClusterUpgrade_BothReadBeforeEitherWrites_RenewOnce()
    {
        var arrived = 0;
        var both = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Workload.InjectFault(call =>
        {
            if (call is not { Verb: "patch", Resource: "secrets" })
                return null;
            if (Interlocked.Increment(ref arrived) == 2)
                both.SetResult();
            return Fault.Delay(both.Task);
        });

        var answers = await Task.WhenAll(CallAsync(_one, "BeforeClusterUpgrade"), CallAsync(_two, "BeforeClusterUpgrade"));

        Assert.All(answers, answer => Assert.Equal(("Success", 0), (answer.Status, answer.RetryAfterSeconds)));
        Assert.Equal(2, arrived);
        // Logs are written a moment after answers.
        await Polling.UntilAsync(
            "the log of the renewal", () => Task.FromResult(CountRenewals() > 0), () => _one.Log + _two.Log, CancellationToken);
        Assert.Equal(1, CountRenewals());
        await AssertChartHasTheServedSerialAsync();
    }

    private int CountRenewals() => new[] { _one.Log, _two.Log }.Sum(log => Regex.Count(log, "Updated Secret registry-system/registry-tls"));

    [Fact]
    public async Task AfterControlPlaneInitialized_OvertakenByAnUpgrade_DoesNotBringBackTheFormerSerial()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Management.InjectFault(
            call => call is { Verb: "apply", Resource: "helmchartproxies" } && held.TrySetResult() ? Fault.Delay(release.Task) : null);

        var slow = CallAsync(_one, "AfterControlPlaneInitialized");
        await held.Task.WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, CancellationToken);
        var upgrade = await CallAsync(_two, "BeforeClusterUpgrade");
        release.SetResult();
        var overtaken = await slow;

        Assert.Equal(("Success", 0), (upgrade.Status, upgrade.RetryAfterSeconds));
        Assert.Equal("Success", overtaken.Status);
        await AssertChartHasTheServedSerialAsync();
    }

    private async Task AssertChartHasTheServedSerialAsync()
    {
        var state = await RegistryState.ReadAsync(_environment, _cluster, CancellationToken);
        Assert.Equal(state.Serial, state.ChartSerial);
    }

    private async Task<HookAnswer> CallAsync(HookService service, string hook)
    {
        using var capi = service.CreateClusterApi();
        return await capi.CallAsync(Version, hook, _cluster, CancellationToken);
    }
}
