using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Unit.Tests.Registry.Reconciliation;
using Microsoft.Extensions.Logging.Abstractions;

namespace CapiRegistryHook.Unit.Tests.Hooks.Reconciling;

/// <summary>Turns become reconciles, and counts become metrics, every few seconds of a clock that moves when it is told to.</summary>
public sealed class RolloutControllerTests : IAsyncDisposable
{
    private readonly ReconcilerFixture _fixture = new();
    private readonly ReconcilerMetrics _metrics = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _work = Task.CompletedTask;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _fixture.Dispose();
    }

    [Fact]
    public async Task Run_AdminChangedTheValues_EnqueuesTheRegistryOnceAllClustersWereReconciled()
    {
        await _fixture.InstallAsync();
        await _fixture.ReconcileAsync();
        _fixture.Options.Defaults.Replace("replicas: 3");
        var queue = new ReconcileQueue(new ReconcilerOptions(), _fixture.Time);
        _metrics.Lead(queue);
        queue.EnqueueCluster(ReconcilerFixture.Key, 1);
        var first = await queue.TakeAsync(CancellationToken);
        _work = new RolloutController(_fixture.Registry.Fleet, _metrics, _fixture.Time, NullLogger<RolloutController>.Instance)
            .RunAsync(queue, _stop.Token);
        await NextAsync();
        Assert.Contains("rollout_clusters{state=\"waiting\"} 1\n", Page(), StringComparison.Ordinal);

        queue.Retain(null, new HashSet<ClusterKey> { ReconcilerFixture.Key });
        queue.Done(first, ReconcileOutcome.Settled, _fixture.Time.GetUtcNow() + TimeSpan.FromHours(1));
        Assert.Equal(0, queue.Depth);
        _fixture.Time.Advance(RolloutController.Interval);
        await NextAsync();

        Assert.Equal(ReconcilerFixture.Key, (await queue.TakeAsync(CancellationToken)).Cluster);
        _fixture.Time.Advance(RolloutController.Interval);
        await NextAsync();
        Assert.Contains("rollout_clusters{state=\"in_progress\"} 1\n", Page(), StringComparison.Ordinal);
        Assert.Contains("rollout_stopped 0\n", Page(), StringComparison.Ordinal);
    }

    /// <summary>The controller has done its work and pauses.</summary>
    private Task NextAsync() => _fixture.Time.TimerAsync(delay => delay == RolloutController.Interval);

    private string Page()
    {
        var text = new MetricsText();
        _metrics.WriteTo(text);
        return text.ToString();
    }
}
