using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests.Kubernetes;
using CapiRegistryHook.Unit.Tests.Registry.Trust;
using Microsoft.Extensions.Logging.Abstractions;

namespace CapiRegistryHook.Unit.Tests.Hooks.Reconciling;

/// <summary>The loop around the rotation's steps: when it pauses, what it enqueues, and what it reports.</summary>
public sealed class RootRotationControllerTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private readonly ReconcilerMetrics _metrics = new();
    private readonly CancellationTokenSource _stop = new();
    private RotationFixture _fixture = null!;
    private RegistryLifecycle _lifecycle = null!;
    private ReconcileQueue _queue = null!;
    private Task _run = Task.CompletedTask;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _fixture = await RotationFixture.StartAsync();
        _lifecycle = RegistryLifecycle.Connect(
            Kubeconfig.Parse(System.Text.Encoding.UTF8.GetBytes(_fixture.Server.Kubeconfig), context: null, TimeProvider.System),
            ClientFixture.Quick with { MaxAttempts = 1 }, _fixture.Options, _time,
            (_, _, _) => throw new InvalidOperationException());
        _queue = new ReconcileQueue(new ReconcilerOptions(), _time);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _lifecycle.Dispose();
        await _fixture.DisposeAsync();
    }

    [Fact]
    public async Task Run_NothingToDo_PausesBetweenTwoReads()
    {
        (await RootsAsync()).Dispose();
        _fixture.Server.ClearCalls();
        Start();

        await PausedAsync(RootRotationController.Interval);
        Assert.Equal(["get", "get"], Verbs());
        _time.Advance(RootRotationController.Interval);
        await PausedAsync(RootRotationController.Interval);
        Assert.Equal(4, Verbs().Count());
    }

    [Fact]
    public async Task Run_EachStep_EnqueuesAllClustersAndPausesBriefly()
    {
        (await RootsAsync()).Dispose();
        _queue.EnqueueCluster(new ClusterKey("team-a", "c1"), 1);
        _queue.Done(await _queue.TakeAsync(CancellationToken), ReconcileOutcome.Settled, _time.GetUtcNow().AddDays(1));
        Assert.Equal(0, _queue.Depth);
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "now");
        Start();

        await PausedAsync(RootRotationController.StepInterval);
        Assert.Equal(1, _queue.Depth);
        Assert.NotNull(await _fixture.FindAsync(RotationFixture.Next));
        _time.Advance(RootRotationController.StepInterval);
        await PausedAsync(RootRotationController.StepInterval);
        Assert.Null(await _fixture.FindAsync(RotationFixture.Next));
        _time.Advance(RootRotationController.StepInterval);
        await PausedAsync(RootRotationController.Interval);
    }

    /// <summary>The calls stop although nothing that is deleted goes away.</summary>
    [Fact]
    public async Task Run_NextHeldByAFinalizer_PausesAtEveryStep()
    {
        (await RootsAsync()).Dispose();
        await _fixture.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "now");
        Start();
        await PausedAsync(RootRotationController.StepInterval);
        await _fixture.HoldAsync(RotationFixture.Next);
        _time.Advance(RootRotationController.StepInterval);
        await PausedAsync(RootRotationController.StepInterval);
        _time.Advance(RootRotationController.StepInterval);
        await PausedAsync(RootRotationController.Interval);

        _fixture.Server.ClearCalls();
        _time.Advance(RootRotationController.Interval);
        await PausedAsync(RootRotationController.Interval);
        Assert.Equal(["get", "get"], Verbs());
    }

    [Fact]
    public async Task Run_ManagementApiServerFails_PausesAndTriesAgain()
    {
        (await RootsAsync()).Dispose();
        _fixture.Server.InjectFault(call => call.Resource == "secrets" ? Fault.Status(403, "Forbidden") : null);
        Start();

        await PausedAsync(RootRotationController.Interval);
        _fixture.Server.ClearCalls();
        _time.Advance(RootRotationController.Interval);
        await PausedAsync(RootRotationController.Interval);
        Assert.Equal(["get"], Verbs());
    }

    /// <summary>Whatever goes wrong here, renewals go on beside it: the loop must not end.</summary>
    [Fact]
    public async Task Run_UnexpectedFault_PausesAndTriesAgain()
    {
        _lifecycle.Dispose();
        Start();

        await PausedAsync(RootRotationController.Interval);
        _time.Advance(RootRotationController.Interval);
        await PausedAsync(RootRotationController.Interval);
    }

    private IEnumerable<string> Verbs() => _fixture.Server.Calls.Select(call => call.Verb);

    private async Task<SigningRoots> RootsAsync() =>
        (await new RootAuthority(_fixture.Client, _fixture.Options, _time).EnsureAsync(
            _fixture.Plan, mayCreate: true, [], CancellationToken)).Value!;

    private void Start() => _run = new RootRotationController(
        _lifecycle.Fleet, _metrics, _time, NullLogger<RootRotationController>.Instance)
        .RunAsync(_queue, _stop.Token);

    /// <summary>Ends when the loop waits for the clock; fails when the loop has ended.</summary>
    private async Task PausedAsync(TimeSpan pause)
    {
        var paused = _time.TimerAsync(delay => delay == pause);
        Assert.Same(paused, await Task.WhenAny(paused, _run));
        await paused;
    }
}
