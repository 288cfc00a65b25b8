using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Hooks;

/// <summary>Who gets a pass next, and when.</summary>
public sealed class ReconcileQueueTests
{
    private static readonly ClusterKey One = new("default", "one");
    private static readonly ClusterKey Two = new("default", "two");

    private readonly ManualTime _time = new();

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SeeCluster_Unchanged_AsksForNoOtherPass()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        var pass = await queue.TakeAsync(CancellationToken);
        queue.Done(pass, failed: false, _time.GetUtcNow() + TimeSpan.FromHours(1));

        queue.EnqueueCluster(One, 1);

        Assert.Equal((One, false), (pass.Cluster, pass.Verify));
        Assert.False(queue.TakeAsync(CancellationToken).IsCompleted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task See_ChangedDuringItsPass_IsTakenAgainAfterIt(bool isCluster)
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        var pass = await queue.TakeAsync(CancellationToken);

        if (isCluster)
            queue.EnqueueCluster(One, 2);
        else
            queue.EnqueueRelease(One, 2);
        var again = queue.TakeAsync(CancellationToken);
        Assert.False(again.IsCompleted);
        queue.Done(pass, failed: false, _time.GetUtcNow() + TimeSpan.FromHours(1));

        Assert.Equal(One, (await again).Cluster);
    }

    [Fact]
    public async Task Return_NextMoment_IsTakenThen()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), failed: false, _time.GetUtcNow() + TimeSpan.FromMinutes(30));
        var next = queue.TakeAsync(CancellationToken);

        _time.Advance(TimeSpan.FromMinutes(29));
        Assert.False(next.IsCompleted);
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(One, (await next.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken)).Cluster);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(9, 256)]
    [InlineData(10, 300)]
    [InlineData(1000, 300)]
    public void PauseAfter_Failures_DoublesUpToFiveMinutes(int failures, int seconds)
    {
        Assert.Equal(TimeSpan.FromSeconds(seconds * 0.75), BackoffPolicy.PauseAfter(failures, 0));
        Assert.InRange(BackoffPolicy.PauseAfter(failures, 0.999), TimeSpan.FromSeconds(seconds * 0.99), TimeSpan.FromSeconds(seconds));
    }

    [Fact]
    public async Task Return_Failed_WaitsAndAChangeEndsTheWait()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), failed: true, _time.GetUtcNow());
        var next = queue.TakeAsync(CancellationToken);
        Assert.False(next.IsCompleted);

        queue.EnqueueCluster(One, 2);

        Assert.Equal(One, (await next).Cluster);
    }

    [Fact]
    public async Task TakeAsync_ManyFail_LeaveHalfOfTheWorkersToOthers()
    {
        var queue = Queue(workers: 4);
        var failing = Enumerable.Range(0, 10).Select(index => new ClusterKey("default", $"away-{index}")).ToList();
        failing.ForEach(cluster => queue.EnqueueCluster(cluster, 1));
        foreach (var _ in failing)
            queue.Done(await queue.TakeAsync(CancellationToken), failed: true, default);
        failing.ForEach(cluster => queue.EnqueueCluster(cluster, 2));
        queue.EnqueueCluster(One, 1);
        queue.EnqueueCluster(Two, 1);

        var taken = new List<ReconcileRequest>();
        for (var worker = 0; worker < 4; worker++)
            taken.Add(await queue.TakeAsync(CancellationToken));
        var fifth = queue.TakeAsync(CancellationToken);

        Assert.Equal(2, taken.Count(pass => failing.Contains(pass.Cluster)));
        Assert.Superset(new HashSet<ClusterKey> { One, Two }, taken.Select(pass => pass.Cluster).ToHashSet());
        Assert.False(fifth.IsCompleted);
        queue.Done(taken.First(pass => failing.Contains(pass.Cluster)), failed: true, default);
        Assert.Contains((await fifth).Cluster, failing);
    }

    [Fact]
    public async Task Keep_NotInTheList_IsForgottenInItsNamespaceAlone()
    {
        var queue = Queue();
        var elsewhere = new ClusterKey("team-a", "one");
        foreach (var cluster in new[] { One, Two, elsewhere })
            queue.EnqueueCluster(cluster, 1);

        queue.Retain("default", [Two]);

        Assert.Equal(2, queue.Count);
        Assert.Equal([elsewhere, Two], new[] { await queue.TakeAsync(CancellationToken), await queue.TakeAsync(CancellationToken) }.Select(
            pass => pass.Cluster).OrderByDescending(key => key.Namespace));
    }

    [Fact]
    public async Task Forget_DuringItsPass_EndsWithIt()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        var pass = await queue.TakeAsync(CancellationToken);

        queue.Forget(One);
        queue.Done(pass, failed: true, default);

        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public async Task SeeRelease_UnknownCluster_SaysNothing()
    {
        var queue = Queue();
        queue.EnqueueRelease(One, 1);
        Assert.Equal(0, queue.Count);

        queue.EnqueueCluster(One, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), failed: false, _time.GetUtcNow() + TimeSpan.FromHours(1));
        queue.EnqueueRelease(One, 7);

        Assert.Equal(One, (await queue.TakeAsync(CancellationToken)).Cluster);
    }

    /// <summary>Never before half of the interval is over, and once within one and a half.</summary>
    [Fact]
    public async Task TakeAsync_OverTime_LooksAtTheWorkloadClusterOncePerInterval()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        var verified = new List<int>();
        for (var hour = 0; hour < 100; hour++)
        {
            var pass = await queue.TakeAsync(CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), CancellationToken);
            if (pass.Verify)
                verified.Add(hour);
            queue.Done(pass, failed: false, _time.GetUtcNow() + TimeSpan.FromHours(1));
            _time.Advance(TimeSpan.FromHours(1));
        }

        Assert.InRange(verified[0], 12, 37);
        Assert.All(verified.Zip(verified.Skip(1)), pair => Assert.Equal(24, pair.Second - pair.First));
    }

    private ReconcileQueue Queue(int workers = 8) => new(new ReconcilerOptions { Workers = workers }, _time);
}
