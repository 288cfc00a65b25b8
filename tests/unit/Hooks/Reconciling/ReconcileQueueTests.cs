using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Hooks.Reconciling;

/// <summary>Which Cluster is reconciled next, and when.</summary>
public sealed class ReconcileQueueTests
{
    private static readonly ClusterKey One = new("default", "one");
    private static readonly ClusterKey Two = new("default", "two");

    private readonly ManualTime _time = new();

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EnqueueCluster_Unchanged_IsNotTakenAgain()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        var request = await queue.TakeAsync(CancellationToken);
        queue.Done(request, ReconcileOutcome.Settled, _time.GetUtcNow() + TimeSpan.FromHours(1));

        queue.EnqueueCluster(One, 1);

        Assert.Equal((One, false), (request.Cluster, request.Verify));
        Assert.False(queue.TakeAsync(CancellationToken).IsCompleted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Enqueue_ChangedDuringItsReconcile_IsTakenAgainAfterIt(bool isCluster)
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        var request = await queue.TakeAsync(CancellationToken);

        if (isCluster)
            queue.EnqueueCluster(One, 2);
        else
            queue.EnqueueRelease(One, 2);
        var again = queue.TakeAsync(CancellationToken);
        Assert.False(again.IsCompleted);
        queue.Done(request, ReconcileOutcome.Settled, _time.GetUtcNow() + TimeSpan.FromHours(1));
        if (!isCluster)
        {
            Assert.False(again.IsCompleted);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(One, (await again.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken)).Cluster);
    }

    /// <summary>
    /// A new leader asks no cluster in the first half of an interval, and each once per interval however often it is due.
    /// </summary>
    [Fact]
    public async Task TakeAsync_Volumes_AreReadOncePerIntervalAndSpread()
    {
        var queue = new ReconcileQueue(new ReconcilerOptions { VolumeInterval = TimeSpan.FromHours(2), Workers = 64 }, _time);
        for (var cluster = 0; cluster < 200; cluster++)
            queue.EnqueueCluster(new ClusterKey("default", $"c{cluster}"), 1);
        var reads = new Dictionary<ClusterKey, List<TimeSpan>>();
        var start = _time.GetUtcNow();
        for (var minute = 0; minute < 240; minute += 10)
        {
            for (var cluster = 0; cluster < 200; cluster++)
            {
                var request = await queue.TakeAsync(CancellationToken);
                if (request.ReadsVolumes)
                    (reads.TryGetValue(request.Cluster, out var known) ? known : reads[request.Cluster] = []).Add(
                        _time.GetUtcNow() - start);
                queue.Done(request, ReconcileOutcome.Settled, _time.GetUtcNow() + TimeSpan.FromMinutes(10));
            }

            _time.Advance(TimeSpan.FromMinutes(10));
        }

        Assert.Equal(200, reads.Count);
        Assert.All(reads.Values, times => Assert.InRange(times[0], TimeSpan.FromHours(1), TimeSpan.FromMinutes(130)));
        Assert.True(reads.Values.Select(times => times[0]).Distinct().Count() > 4);
        Assert.All(reads.Values.Where(times => times.Count > 1), times => Assert.Equal(TimeSpan.FromHours(2), times[1] - times[0]));
    }

    [Fact]
    public async Task TakeAsync_VolumesOff_AreNeverRead()
    {
        var queue = new ReconcileQueue(new ReconcilerOptions { VolumeInterval = TimeSpan.Zero }, _time);
        queue.EnqueueCluster(One, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), ReconcileOutcome.Settled, _time.GetUtcNow());
        _time.Advance(TimeSpan.FromDays(40));

        Assert.False((await queue.TakeAsync(CancellationToken)).ReadsVolumes);
    }

    [Fact]
    public async Task Done_NextTime_IsTakenThen()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), ReconcileOutcome.Settled, _time.GetUtcNow() + TimeSpan.FromMinutes(30));
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
    public async Task Done_Failed_WaitsAndAChangeEndsTheWait()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), ReconcileOutcome.Failed, _time.GetUtcNow());
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
            queue.Done(await queue.TakeAsync(CancellationToken), ReconcileOutcome.Failed, default);
        failing.ForEach(cluster => queue.EnqueueRelease(cluster, 2));
        _time.Advance(TimeSpan.FromSeconds(1));
        queue.EnqueueCluster(One, 1);
        queue.EnqueueCluster(Two, 1);

        var taken = new List<ReconcileRequest>();
        for (var worker = 0; worker < 4; worker++)
            taken.Add(await queue.TakeAsync(CancellationToken));
        var fifth = queue.TakeAsync(CancellationToken);

        Assert.Equal(2, taken.Count(request => failing.Contains(request.Cluster)));
        Assert.Superset(new HashSet<ClusterKey> { One, Two }, taken.Select(request => request.Cluster).ToHashSet());
        Assert.False(fifth.IsCompleted);
        queue.Done(taken.First(request => failing.Contains(request.Cluster)), ReconcileOutcome.Failed, default);
        Assert.Contains((await fifth).Cluster, failing);
    }

    [Fact]
    public async Task Retain_NotInTheList_IsForgottenInItsNamespaceAlone()
    {
        var queue = Queue();
        var elsewhere = new ClusterKey("team-a", "one");
        foreach (var cluster in new[] { One, Two, elsewhere })
            queue.EnqueueCluster(cluster, 1);

        queue.Retain("default", new HashSet<ClusterKey> { Two });

        Assert.Equal(2, queue.Count);
        Assert.Equal([elsewhere, Two], new[] { await queue.TakeAsync(CancellationToken), await queue.TakeAsync(CancellationToken) }.Select(
            request => request.Cluster).OrderByDescending(key => key.Namespace));
    }

    [Fact]
    public async Task Forget_DuringItsReconcile_EndsWithIt()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        var request = await queue.TakeAsync(CancellationToken);

        queue.Forget(One);
        queue.Done(request, ReconcileOutcome.Failed, default);

        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public async Task EnqueueRelease_UnknownCluster_IsIgnored()
    {
        var queue = Queue();
        queue.EnqueueRelease(One, 1);
        Assert.Equal(0, queue.Count);

        queue.EnqueueCluster(One, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), ReconcileOutcome.Settled, _time.GetUtcNow() + TimeSpan.FromHours(1));
        queue.EnqueueRelease(One, 7);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(One, (await queue.TakeAsync(CancellationToken)).Cluster);
    }

    /// <summary>Never before half of the interval is over, and once within one and a half.</summary>
    [Fact]
    public async Task TakeAsync_OverTime_VerifiesOncePerInterval()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        var verified = new List<int>();
        for (var hour = 0; hour < 100; hour++)
        {
            var request = await queue.TakeAsync(CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), CancellationToken);
            if (request.Verify)
                verified.Add(hour);
            queue.Done(request, ReconcileOutcome.Settled, _time.GetUtcNow() + TimeSpan.FromHours(1));
            _time.Advance(TimeSpan.FromHours(1));
        }

        Assert.InRange(verified[0], 12, 37);
        Assert.All(verified.Zip(verified.Skip(1)), pair => Assert.Equal(24, pair.Second - pair.First));
    }

    /// <summary>What a user corrects while the reconcile of the mistake still fails must not wait for its backoff.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Done_ClusterChangedDuringAReconcileThatFailed_IsTakenAtOnceAndTheBackoffStartsAnew(bool isFailure)
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        var request = await FailAsync(queue, times: 8);

        queue.EnqueueCluster(One, 2);
        queue.Done(request, isFailure ? ReconcileOutcome.Failed : ReconcileOutcome.Waiting, default);
        request = await queue.TakeAsync(CancellationToken);
        queue.Done(request, ReconcileOutcome.Failed, default);
        var retry = queue.TakeAsync(CancellationToken);
        _time.Advance(BackoffPolicy.First);

        Assert.Equal(One, (await retry.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken)).Cluster);
    }

    [Fact]
    public async Task EnqueueCluster_FailedBefore_NoLongerCompetesWithThoseThatFail()
    {
        var queue = Queue(workers: 2);
        queue.EnqueueCluster(One, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), ReconcileOutcome.Failed, default);
        queue.EnqueueCluster(Two, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), ReconcileOutcome.Failed, default);
        _time.Advance(BackoffPolicy.First);
        await queue.TakeAsync(CancellationToken);
        var other = queue.TakeAsync(CancellationToken);
        Assert.False(other.IsCompleted);

        queue.EnqueueCluster(One, 2);
        queue.EnqueueCluster(Two, 2);

        Assert.True((await other.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken)).Cluster is { Name: "one" or "two" });
    }

    /// <summary>The HelmChartProxy is changed by others all the time, and by this service itself.</summary>
    [Fact]
    public async Task Done_ReleaseChangedDuringAReconcileThatFailed_IsTakenWithinASecondAndKeepsItsBackoff()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        var request = await FailAsync(queue, times: 8);

        queue.EnqueueRelease(One, 2);
        queue.Done(request, ReconcileOutcome.Failed, default);
        var next = queue.TakeAsync(CancellationToken);
        Assert.False(next.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        queue.Done(await next.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken), ReconcileOutcome.Failed, default);
        next = queue.TakeAsync(CancellationToken);
        _time.Advance(BackoffPolicy.Longest * 0.7);

        Assert.False(next.IsCompleted);
    }

    /// <summary>
    /// A registry whose pods roll is checked every 5 s for 10 minutes and every 30 s for another hour; what comes after that is a failure
    /// like any other.
    /// </summary>
    [Fact]
    public async Task Done_Waiting_IsTakenEveryFiveSecondsForTenMinutesAndEveryThirtyForAnHour()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        var request = await queue.TakeAsync(CancellationToken);
        foreach (var seconds in Enumerable.Repeat(5, 10 * 60 / 5).Concat(Enumerable.Repeat(30, 60 * 60 / 30)))
        {
            queue.Done(request, ReconcileOutcome.Waiting, default);
            var next = queue.TakeAsync(CancellationToken);
            _time.Advance(TimeSpan.FromSeconds(seconds - 1));
            Assert.False(next.IsCompleted);
            _time.Advance(TimeSpan.FromSeconds(1));
            request = await next.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken);
        }

        for (var pause = 1; pause <= 256; pause *= 2)
        {
            queue.Done(request, ReconcileOutcome.Waiting, default);
            var next = queue.TakeAsync(CancellationToken);
            _time.Advance(TimeSpan.FromSeconds(pause * 0.7));
            Assert.False(next.IsCompleted);
            _time.Advance(TimeSpan.FromSeconds(pause * 0.3));
            request = await next.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken);
        }
    }

    /// <summary>
    /// While it waits, a HelmChartProxy that becomes ready is reported by the watch, and the Cluster is reconciled at once.
    /// </summary>
    [Fact]
    public async Task EnqueueRelease_WhileWaiting_IsTakenAtOnceHoweverOftenItChanges()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), ReconcileOutcome.Waiting, default);
        for (var change = 0; change < 30; change++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            queue.EnqueueRelease(One, change);
            var request = queue.TakeAsync(CancellationToken);
            Assert.True(request.IsCompleted);
            queue.Done(await request, ReconcileOutcome.Waiting, default);
        }
    }

    [Fact]
    public async Task IsSurveyed_IsTrueOnceEveryListedClusterWasReconciled()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        queue.EnqueueCluster(Two, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), ReconcileOutcome.Failed, default);
        var other = await queue.TakeAsync(CancellationToken);
        queue.Retain(null, new HashSet<ClusterKey> { One, Two });
        Assert.False(queue.IsSurveyed);

        queue.Done(other, ReconcileOutcome.Settled, _time.GetUtcNow());

        Assert.True(queue.IsSurveyed);
        queue.EnqueueCluster(new ClusterKey("team-a", "later"), 1);
        Assert.True(queue.IsSurveyed);
    }

    [Fact]
    public void IsSurveyed_NothingListedYet_IsFalse() => Assert.False(Queue().IsSurveyed);

    [Fact]
    public async Task Enqueue_SettledCluster_IsTakenAtOnce()
    {
        var queue = Queue();
        queue.EnqueueCluster(One, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), ReconcileOutcome.Settled, _time.GetUtcNow() + TimeSpan.FromHours(1));

        queue.Enqueue(One);
        queue.Enqueue(Two);

        Assert.Equal(One, (await queue.TakeAsync(CancellationToken)).Cluster);
        Assert.Equal(1, queue.Count);
    }

    [Fact]
    public async Task TakeAsync_OneNamespaceWithManyClusters_LeavesHalfOfTheWorkersToOthers()
    {
        var queue = Queue(workers: 4);
        for (var index = 0; index < 10; index++)
            queue.EnqueueCluster(new ClusterKey("tenant", $"c{index}"), 1);
        queue.EnqueueCluster(One, 1);
        queue.EnqueueCluster(Two, 1);

        var taken = new List<ReconcileRequest>();
        for (var worker = 0; worker < 4; worker++)
            taken.Add(await queue.TakeAsync(CancellationToken));
        var fifth = queue.TakeAsync(CancellationToken);

        Assert.Equal([One, Two], taken.Select(request => request.Cluster).Where(key => key.Namespace == "default").Order(ByName));
        Assert.False(fifth.IsCompleted);
        queue.Done(taken.First(request => request.Cluster.Namespace == "tenant"), ReconcileOutcome.Settled, DateTimeOffset.MaxValue);
        Assert.Equal("tenant", (await fifth).Cluster.Namespace);
    }

    [Fact]
    public async Task TakeAsync_OneNamespaceAlone_HasAllWorkers()
    {
        var queue = Queue(workers: 4);
        for (var index = 0; index < 4; index++)
            queue.EnqueueCluster(new ClusterKey("tenant", $"c{index}"), 1);

        for (var worker = 0; worker < 4; worker++)
            Assert.True(queue.TakeAsync(CancellationToken).IsCompleted);
        Assert.Equal(0, queue.Depth);
    }

    /// <summary>Slow and successful is as much of a burden as failing.</summary>
    [Fact]
    public async Task TakeAsync_SlowClusters_HaveHalfOfTheWorkers()
    {
        var queue = Queue(workers: 2);
        foreach (var name in new[] { "slow-1", "slow-2" })
        {
            queue.EnqueueCluster(new ClusterKey("default", name), 1);
            var request = await queue.TakeAsync(CancellationToken);
            _time.Advance(TimeSpan.FromSeconds(11));
            queue.Done(request, ReconcileOutcome.Settled, _time.GetUtcNow() + TimeSpan.FromHours(1));
        }

        _time.Advance(TimeSpan.FromHours(1));
        await queue.TakeAsync(CancellationToken);
        var second = queue.TakeAsync(CancellationToken);
        Assert.False(second.IsCompleted);
        queue.EnqueueCluster(One, 1);

        Assert.Equal(One, (await second).Cluster);
    }

    /// <summary>
    /// Whoever touches Clusters that fail or are slow, again and again and in several namespaces, must not get all workers.
    /// </summary>
    [Theory]
    [InlineData(false, 4)]
    [InlineData(true, 0)]
    public async Task TakeAsync_SlowOrFailingClustersThatChange_HaveHalfOfTheWorkers(bool fails, int seconds)
    {
        var outcome = fails ? ReconcileOutcome.Failed : ReconcileOutcome.Settled;
        var queue = Queue(workers: 2);
        ClusterKey[] bad = [new("team-a", "bad"), new("team-b", "bad")];
        foreach (var (cluster, version) in from cluster in bad from version in new[] { 1, 2, 3 } select (cluster, version))
        {
            queue.EnqueueCluster(cluster, version);
            var request = await queue.TakeAsync(CancellationToken);
            _time.Advance(TimeSpan.FromSeconds(seconds));
            queue.Done(request, outcome, _time.GetUtcNow() + TimeSpan.FromHours(1));
        }

        queue.EnqueueCluster(bad[0], 4);
        queue.EnqueueCluster(bad[1], 4);
        var first = await queue.TakeAsync(CancellationToken);
        var second = queue.TakeAsync(CancellationToken);
        Assert.False(second.IsCompleted);
        queue.EnqueueCluster(One, 1);
        Assert.Equal(One, (await second).Cluster);

        // One that recovers is like all others.
        queue.Done(first, ReconcileOutcome.Settled, DateTimeOffset.MaxValue);
        var recovered = await queue.TakeAsync(CancellationToken);
        queue.Done(recovered, ReconcileOutcome.Settled, DateTimeOffset.MaxValue);
        queue.EnqueueCluster(bad[0], 5);
        queue.EnqueueCluster(bad[1], 5);
        await queue.TakeAsync(CancellationToken);
        Assert.True(queue.TakeAsync(CancellationToken).IsCompleted);
    }

    /// <summary>A machine that starts with a wrong clock gets the right one a moment later; nothing may wait for as long.</summary>
    [Fact]
    public async Task TakeAsync_ClockIsPutBack_ComesWhenItIsDue()
    {
        var clock = new ClockThatIsSet(_time) { Offset = TimeSpan.FromHours(8) };
        var queue = new ReconcileQueue(new ReconcilerOptions(), clock);
        queue.EnqueueCluster(One, 1);
        queue.Done(await queue.TakeAsync(CancellationToken), ReconcileOutcome.Waiting, default);
        clock.Offset = TimeSpan.Zero;
        var next = queue.TakeAsync(CancellationToken);
        Assert.False(next.IsCompleted);

        _time.Advance(BackoffPolicy.WaitingPause);

        Assert.Equal(One, (await next.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken)).Cluster);
    }

    [Fact]
    public async Task Forget_AnyWay_IsReportedOnce()
    {
        var forgotten = new List<ClusterKey>();
        var queue = new ReconcileQueue(new ReconcilerOptions(), _time, forgotten.Add);
        foreach (var name in new[] { "deleted", "unlisted", "running", "kept" })
            queue.EnqueueCluster(new ClusterKey("default", name), 1);
        var requests = new List<ReconcileRequest>();
        for (var index = 0; index < 4; index++)
            requests.Add(await queue.TakeAsync(CancellationToken));
        foreach (var request in requests.Where(request => request.Cluster.Name != "running"))
            queue.Done(request, ReconcileOutcome.Settled, DateTimeOffset.MaxValue);

        queue.Forget(new ClusterKey("default", "deleted"));
        queue.Forget(new ClusterKey("default", "deleted"));
        queue.Retain(null, new HashSet<ClusterKey> { new ClusterKey("default", "kept") });
        Assert.Equal(["deleted", "unlisted"], forgotten.Select(key => key.Name));
        queue.Done(requests.Single(request => request.Cluster.Name == "running"), ReconcileOutcome.Settled, DateTimeOffset.MaxValue);

        Assert.Equal(["deleted", "unlisted", "running"], forgotten.Select(key => key.Name));
        Assert.Equal(1, queue.Count);
    }

    private static Comparer<ClusterKey> ByName { get; } =
        Comparer<ClusterKey>.Create((left, right) => string.CompareOrdinal(left.Name, right.Name));

    /// <summary>Fails so often, and begins once more.</summary>
    private async Task<ReconcileRequest> FailAsync(ReconcileQueue queue, int times)
    {
        for (var failure = 0; failure < times; failure++)
        {
            queue.Done(await queue.TakeAsync(CancellationToken), ReconcileOutcome.Failed, default);
            _time.Advance(BackoffPolicy.Longest);
        }

        return await queue.TakeAsync(CancellationToken);
    }

    private ReconcileQueue Queue(int workers = 8) => new(new ReconcilerOptions { Workers = workers }, _time);
}
