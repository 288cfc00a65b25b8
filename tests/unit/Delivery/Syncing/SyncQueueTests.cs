using CapiRegistryHook.Delivery.Syncing;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Delivery.Syncing;

public sealed class SyncQueueTests
{
    private readonly ManualTime _time = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private DateTimeOffset Now => _time.GetUtcNow();

    [Fact]
    public async Task TakeAsync_DueClusters_ComeInTheirOrderAndUrgentOnesFirst()
    {
        var queue = new SyncQueue(8, _time);
        queue.Enqueue(Key("a"), Now - TimeSpan.FromSeconds(2));
        queue.Enqueue(Key("b"), Now - TimeSpan.FromSeconds(3));
        queue.Enqueue(Key("c"), Now, isUrgent: true);
        queue.Enqueue(Key("later"), Now + TimeSpan.FromMinutes(1));

        Assert.Equal(3, queue.Depth);
        Assert.Equal(Key("c"), await queue.TakeAsync(Cancelled));
        Assert.Equal(["b", "a"], [(await TakeAsync(queue)).Name, (await TakeAsync(queue)).Name]);
        Assert.Null(await TryTakeAsync(queue));
    }

    /// <summary>Half of the workers fill; checks of others go on.</summary>
    [Fact]
    public async Task TryBeginFill_HalfFills_OthersAreCheckedAndWait()
    {
        var queue = new SyncQueue(4, _time);
        foreach (var name in new[] { "a", "b", "c", "d" })
            queue.Enqueue(Key(name), Now);

        foreach (var expected in new[] { true, true, false, false })
        {
            var cluster = await TakeAsync(queue);
            Assert.Equal(expected, queue.TryBeginFill(cluster));
            if (!expected)
                queue.Done(cluster, SyncOutcome.WantsFill, Now);
        }

        var waiting = queue.TakeAsync(Cancelled);
        Assert.False(waiting.IsCompleted);
        queue.Enqueue(Key("check"), Now);
        Assert.Equal("check", (await waiting).Name);
        var next = queue.TakeAsync(Cancelled);
        Assert.False(next.IsCompleted);
        queue.Done(Key("a"), SyncOutcome.Settled, Now + TimeSpan.FromHours(1));
        Assert.Equal("c", (await next).Name);
        Assert.True(queue.TryBeginFill(Key("c")));
    }

    /// <summary>Slow lines go on and no longer count, so that they hold nobody up; there is a limit to them too.</summary>
    [Fact]
    public async Task TakeAsync_SlowFills_MakeRoom()
    {
        var queue = new SyncQueue(2, _time);
        for (var number = 0; number < 10; number++)
            queue.Enqueue(Key($"c{number}"), Now);
        var taken = 0;
        for (var round = 0; round < 12; round++)
        {
            while (await TryTakeAsync(queue) is { } cluster)
            {
                if (queue.TryBeginFill(cluster))
                    taken++;
                else
                    queue.Done(cluster, SyncOutcome.WantsFill, Now);
            }

            _time.Advance(SyncQueue.SlowAfter);
        }

        Assert.Equal((8, 8), (taken, queue.Running));
    }

    /// <summary>A source that drips holds up those whom it was declared for, and nobody else.</summary>
    [Fact]
    public async Task TakeAsync_FillsOfOneNamespaceNeverEnd_OthersAreFilledAndCheckedAllTheSame()
    {
        var queue = new SyncQueue(2, _time);
        var other = new ClusterKey("other", "x");
        queue.Enqueue(other, Now + TimeSpan.FromDays(1));
        for (var number = 0; number < 20; number++)
            queue.Enqueue(Key($"c{number}"), Now);
        for (var round = 0; round < 40; round++)
        {
            if (await TryTakeAsync(queue) is { } cluster && !queue.TryBeginFill(cluster))
                queue.Done(cluster, SyncOutcome.WantsFill, Now);
            _time.Advance(SyncQueue.SlowAfter);
        }

        Assert.Equal(4, queue.Running);
        queue.Enqueue(other, Now, isUrgent: true);
        Assert.Equal(other, await TryTakeAsync(queue));
        Assert.True(queue.TryBeginFill(other));
        Assert.Null(await TryTakeAsync(queue));
    }

    /// <summary>Also where all that may be filled at once is slow.</summary>
    [Fact]
    public async Task TakeAsync_AsManySlowFillsAsMayBe_ChecksGoOn()
    {
        var queue = new SyncQueue(2, _time);
        for (var number = 0; number < 8; number++)
        {
            queue.Enqueue(Key($"c{number}"), Now);
            Assert.True(queue.TryBeginFill(await TakeAsync(queue)));
            _time.Advance(SyncQueue.SlowAfter);
        }

        queue.Enqueue(Key("check"), Now);

        Assert.Equal("check", (await TakeAsync(queue)).Name);
        Assert.False(queue.TryBeginFill(Key("check")));
        queue.Done(Key("check"), SyncOutcome.WantsFill, Now);
        Assert.Null(await TryTakeAsync(queue));
        queue.Done(Key("c0"), SyncOutcome.Settled, Now + TimeSpan.FromHours(1));
        Assert.Equal("check", (await TakeAsync(queue)).Name);
    }

    [Fact]
    public async Task Done_Failed_ComesAgainLaterEachTimeUnlessSomebodyWaits()
    {
        var queue = new SyncQueue(2, _time);
        queue.Enqueue(Key("a"), Now);
        await FailAsync(queue);
        queue.Enqueue(Key("a"), Now);

        Assert.Null(await TryTakeAsync(queue));
        _time.Advance(TimeSpan.FromSeconds(2));
        await FailAsync(queue);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(0, queue.Depth);
        queue.Enqueue(Key("a"), Now, isUrgent: true);
        Assert.Equal(Key("a"), await queue.TakeAsync(Cancelled));
        Assert.InRange(SyncQueue.PauseAfter(1), TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(2));
        Assert.InRange(SyncQueue.PauseAfter(100), TimeSpan.FromSeconds(225), TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task Enqueue_WhileItRuns_IsDueAgainAfterwards()
    {
        var queue = new SyncQueue(2, _time);
        queue.Enqueue(Key("a"), Now);
        await TakeAsync(queue);
        queue.Enqueue(Key("a"), Now);
        Assert.Equal(0, queue.Depth);

        queue.Done(Key("a"), SyncOutcome.Settled, Now + TimeSpan.FromHours(1));

        Assert.Equal("a", (await TakeAsync(queue)).Name);
    }

    [Fact]
    public async Task TakeAsync_TwoNamespaces_OneTakesHalfOfTheWorkers()
    {
        var queue = new SyncQueue(4, _time);
        foreach (var name in new[] { "a", "b", "c", "d" })
            queue.Enqueue(Key(name), Now - TimeSpan.FromMinutes(1));
        queue.Enqueue(new ClusterKey("other", "x"), Now);

        var taken = new List<string>();
        for (var count = 0; count < 3; count++)
            taken.Add((await TakeAsync(queue)).Name);

        Assert.Contains("x", taken);
        Assert.Null(await TryTakeAsync(queue));
    }

    /// <summary>A registry that fetches by itself is looked at soon, and whoever waits for it still waits.</summary>
    [Fact]
    public async Task Done_Fetching_ComesAgainSoonAndStaysUrgent()
    {
        var queue = new SyncQueue(4, _time);
        queue.Enqueue(Key("a"), Now, isUrgent: true);
        queue.Done(await queue.TakeAsync(Cancelled), SyncOutcome.Fetching, Now + TimeSpan.FromMinutes(5));
        _time.Advance(SyncQueue.FetchPause - TimeSpan.FromSeconds(1));
        Assert.Null(await TryTakeAsync(queue));
        _time.Advance(TimeSpan.FromSeconds(1));
        queue.Enqueue(Key("b"), Now - TimeSpan.FromMinutes(1));
        Assert.Equal(Key("a"), await queue.TakeAsync(Cancelled));

        queue.Done(Key("a"), SyncOutcome.Fetching, Now + TimeSpan.FromSeconds(2));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(Key("a"), await TryTakeAsync(queue));
    }

    [Fact]
    public async Task Forget_RunningOrNot_LeavesNothing()
    {
        var queue = new SyncQueue(4, _time);
        queue.Enqueue(Key("a"), Now);
        queue.Enqueue(Key("b"), Now);
        await TakeAsync(queue);

        queue.Forget(Key("a"));
        queue.Forget(Key("b"));
        queue.Done(Key("a"), SyncOutcome.Settled, Now);

        Assert.Equal((0, 0), (queue.Depth, queue.Running));
        Assert.Null(await TryTakeAsync(queue));
    }

    private static ClusterKey Key(string name) => new("default", name);

    /// <summary>What may be taken now; null for nothing.</summary>
    private static async Task<ClusterKey?> TryTakeAsync(SyncQueue queue)
    {
        using var end = new CancellationTokenSource();
        var task = queue.TakeAsync(end.Token);
        if (!task.IsCompleted)
            await end.CancelAsync();
        try
        {
            return (await task.WaitAsync(TimeSpan.FromSeconds(20), Cancelled));
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private static async Task<ClusterKey> TakeAsync(SyncQueue queue) =>
        await queue.TakeAsync(Cancelled).WaitAsync(TimeSpan.FromSeconds(20), Cancelled);

    private async Task FailAsync(SyncQueue queue) => queue.Done(await TakeAsync(queue), SyncOutcome.Failed, Now);
}
