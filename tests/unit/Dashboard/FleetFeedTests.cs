using System.Text.Json.Nodes;
using CapiRegistryHook.Dashboard.Model;
using CapiRegistryHook.Dashboard.Reading;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Unit.Tests.Dashboard;

/// <summary>What the pages that are open are told.</summary>
public sealed class FleetFeedTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Signals_SameFleet_KeepTheRevision_AndAnotherOneRaisesIt()
    {
        var names = new[] { "a", "a", "b" };
        var reads = 0;
        await using var signals = Signals(() => Page(names[Math.Min(reads++, 2)]));

        Assert.Equal((1, null), await signals.NextAsync());
        Assert.Equal((1, null), await signals.NextAsync());
        Assert.Equal((2, null), await signals.NextAsync());
        Assert.Contains(
            "\"name\":\"b\"", System.Text.Encoding.UTF8.GetString(await signals.Feed.ReadAsync(Cancelled)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Signals_ReadThatFails_SayWhy_AndKeepWhatWasRead()
    {
        var reads = 0;
        await using var signals = Signals(
            () => reads++ == 1 ? throw new FleetStatusException("It is gone.", new IOException()) : Page("a"));

        Assert.Equal((1, null), await signals.NextAsync());
        Assert.Equal((1, "It is gone."), await signals.NextAsync());
        Assert.NotEmpty(await signals.Feed.ReadAsync(Cancelled));
        Assert.Equal((1, null), await signals.NextAsync());
    }

    [Fact]
    public async Task Read_BeforeAnythingCouldBeRead_FailsWithTheReason()
    {
        await using var signals = Signals(() => throw new FleetStatusException("It is gone.", new IOException()));

        Assert.Equal((0, "It is gone."), await signals.NextAsync());
        Assert.Equal("It is gone.", (await Assert.ThrowsAsync<FleetStatusException>(() => signals.Feed.ReadAsync(Cancelled))).Message);
    }

    private static FleetPage Page(string name) =>
        new(DateTimeOffset.UnixEpoch, 0, "0.1.0", [new ClusterRow("team-a", name, "Ready")], []);

    private static RunningFeed Signals(Func<FleetPage> read) => new(read);

    /// <summary>A feed whose pauses take no time.</summary>
    private sealed class RunningFeed : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        private readonly SemaphoreSlim _turns = new(0);
        private readonly IAsyncEnumerator<string> _signals;
        private readonly Task _run;

        public RunningFeed(Func<FleetPage> read)
        {
            Feed = new FleetFeed(async token =>
            {
                await _turns.WaitAsync(token);
                return read();
            }, new ImpatientTime());
            _signals = Feed.SignalsAsync(_end.Token).GetAsyncEnumerator(_end.Token);
            _run = Feed.RunAsync(_end.Token);
        }

        public FleetFeed Feed { get; }

        /// <summary>Lets the feed read once, and returns what it says then.</summary>
        public async Task<(int Revision, string? Problem)> NextAsync()
        {
            var next = _signals.MoveNextAsync();
            _turns.Release();
            Assert.True(await next);
            var signal = JsonNode.Parse(_signals.Current)!;
            return ((int)signal["revision"]!, (string?)signal["problem"]);
        }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _run);
            _turns.Dispose();
            _end.Dispose();
        }
    }

    private sealed class ImpatientTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
