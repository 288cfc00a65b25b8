using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Registry.Release;

/// <summary>How many registries get the admin's changes at once, by what reconciles found.</summary>
public sealed class RolloutTests
{
    private const string Former = "former";

    private readonly ManualTime _time = new();
    private readonly RegistryOptions _options = new() { RolloutConcurrency = 2, RolloutMaxFailures = 2 };

    private string Today => ReleaseRevision.Of(_options).Id;

    [Fact]
    public void Advance_ManyWait_GivesAsManyTurnsAsMayBeChangedAtOnce()
    {
        var rollout = With(5);

        var report = rollout.Advance(isCounted: true);

        Assert.Equal([Key(0), Key(1)], report.Turns);
        Assert.Equal("current 0, inprogress 0, waiting 5, failed 0", Text(report));
        var next = rollout.Advance(isCounted: true);
        Assert.Empty(next.Turns);
        Assert.Equal("current 0, inprogress 2, waiting 3, failed 0", Text(next));
        Assert.True(rollout.Allows(Key(0), Served(Former)));
        Assert.False(rollout.Allows(Key(2), Served(Former)));
    }

    [Fact]
    public void Advance_OneIsSeenServing_GivesTheNextTurn()
    {
        var rollout = With(5);
        rollout.Advance(isCounted: true);
        Record(rollout, 0, Changed());
        Record(rollout, 1, Changed());
        Assert.Empty(rollout.Advance(isCounted: true).Turns);

        Record(rollout, 1, Served(Today));

        Assert.Equal([Key(2)], rollout.Advance(isCounted: true).Turns);
    }

    /// <summary>A process that takes over has to know what its predecessor changed before it changes more.</summary>
    [Fact]
    public void Advance_NotAllCountedYet_GivesNoTurn()
    {
        var rollout = With(5);

        Assert.Empty(rollout.Advance(isCounted: false).Turns);
        Record(rollout, 3, Changed());
        Assert.Equal([Key(0)], rollout.Advance(isCounted: true).Turns);
    }

    [Fact]
    public void Advance_PodsDoNotComeUp_FailsAndStopsAndGoesOnWhenTheyDo()
    {
        var rollout = With(6);
        rollout.Advance(isCounted: true);
        var (first, second) = (Changed(), Changed());
        Record(rollout, 0, first, ClusterPhase.Waiting);
        Record(rollout, 1, second, ClusterPhase.Waiting);
        _time.Advance(Rollout.ProgressLimit + TimeSpan.FromSeconds(1));

        var stopped = rollout.Advance(isCounted: true);

        Assert.True(stopped.IsStopped);
        Assert.Empty(stopped.Turns);
        Assert.Equal([Key(0), Key(1)], stopped.Failed);
        Assert.NotNull(rollout.StopReasonOf(Key(0)));
        Assert.Null(rollout.StopReasonOf(Key(2)));
        Record(rollout, 0, first with { Served = Today });
        var after = rollout.Advance(isCounted: true);
        Assert.False(after.IsStopped);
        Assert.Equal([Key(2), Key(3)], after.Turns);
        Assert.Null(rollout.StopReasonOf(Key(1)));
    }

    [Fact]
    public void Advance_PodsServeWhatNodesRefuse_FailsAtOnce()
    {
        var rollout = With(4);
        rollout.Advance(isCounted: true);

        Record(rollout, 0, Changed(), ClusterPhase.Refused);
        Record(rollout, 1, Changed(), ClusterPhase.Refused);

        Assert.True(rollout.Advance(isCounted: true).IsStopped);
    }

    /// <summary>The correction is rolled out as paced as the fault was: those that failed are among those that wait.</summary>
    [Fact]
    public void Advance_AdminCorrectsTheValues_GivesFailedOnesTheirTurn()
    {
        var rollout = With(4);
        rollout.Advance(isCounted: true);
        Record(rollout, 0, Changed(), ClusterPhase.Refused);
        Record(rollout, 1, Changed(), ClusterPhase.Refused);
        Assert.True(rollout.Advance(isCounted: true).IsStopped);

        _options.Defaults.Replace("replicas: 3");
        var report = rollout.Advance(isCounted: true);

        Assert.False(report.IsStopped);
        Assert.Equal([Key(0), Key(1)], report.Turns);
    }

    [Fact]
    public void Allows_BeingChangedWhenTheAdminChangesAgain_IsNoFurtherOne()
    {
        var rollout = With(4);
        rollout.Advance(isCounted: true);
        var progress = Changed();
        Record(rollout, 0, progress);

        _options.Defaults.Replace("replicas: 3");

        Assert.True(rollout.Allows(Key(0), progress));
        Assert.False(rollout.Allows(Key(3), Served(Former)));
    }

    /// <summary>Nothing that served is at risk, and a former fault of the admin may be why it never did.</summary>
    [Theory]
    [InlineData(RolloutMode.Paced)]
    [InlineData(RolloutMode.OnUpgrade)]
    [InlineData(RolloutMode.Immediately)]
    public void Allows_NeverServed_IsTrue(RolloutMode mode)
    {
        var rollout = new Rollout(_options with { Rollout = mode }, _time);
        var progress = new ReleaseProgress(Former, _time.GetUtcNow());
        Record(rollout, 0, progress, ClusterPhase.Waiting);

        Assert.True(rollout.Allows(Key(0), progress));
        Assert.Empty(rollout.Advance(isCounted: true).Failed);
    }

    [Theory]
    [InlineData(RolloutMode.OnUpgrade, false)]
    [InlineData(RolloutMode.Immediately, true)]
    public void Allows_NotPaced_IsTheSameForAll(RolloutMode mode, bool allowed)
    {
        var rollout = new Rollout(_options with { Rollout = mode }, _time);
        Record(rollout, 0, Served(Former));

        Assert.Empty(rollout.Advance(isCounted: true).Turns);
        Assert.Equal(allowed, rollout.Allows(Key(0), Served(Former)));
    }

    [Theory]
    [InlineData(ClusterPhase.Paused)]
    [InlineData(ClusterPhase.Invalid)]
    public void Advance_LeftAlone_HasNoTurnAndHoldsNone(ClusterPhase phase)
    {
        var rollout = With(3);
        Record(rollout, 0, Served(Former), phase);
        Record(rollout, 1, Changed(), phase);

        Assert.Equal([Key(2)], rollout.Advance(isCounted: true).Turns);
    }

    [Fact]
    public void Advance_TurnThatChangedNothing_LetsOthersGoFirst()
    {
        var rollout = With(4);
        rollout.Advance(isCounted: true);

        Record(rollout, 0, Served(Former), ClusterPhase.Unreachable);

        Assert.Equal([Key(2)], rollout.Advance(isCounted: true).Turns);
        Record(rollout, 2, Served(Today));
        Assert.Equal([Key(3)], rollout.Advance(isCounted: true).Turns);
        Record(rollout, 3, Served(Today));
        Assert.Empty(rollout.Advance(isCounted: true).Turns);
        _time.Advance(Rollout.RetryPause);
        Assert.Equal([Key(0)], rollout.Advance(isCounted: true).Turns);
    }

    /// <summary>A reconcile that began before the turn was given says nothing about it.</summary>
    [Fact]
    public void Record_BegunBeforeTheTurn_KeepsIt()
    {
        var rollout = With(2);
        var before = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(1));
        rollout.Advance(isCounted: true);

        rollout.Record(Key(0), Served(Former), ClusterPhase.Ready, before);

        Assert.True(rollout.Allows(Key(0), Served(Former)));
    }

    [Fact]
    public void Forget_HoldsNothing()
    {
        var rollout = With(3);
        rollout.Advance(isCounted: true);

        rollout.Forget(Key(0));
        Record(rollout, 1, null, ClusterPhase.Gone);

        Assert.Equal([Key(2)], rollout.Advance(isCounted: true).Turns);
        rollout.ForgetAll();
        Assert.Equal("current 0, inprogress 0, waiting 0, failed 0", Text(rollout.Advance(isCounted: true)));
    }

    /// <summary>To take a change back is a change: the pods that were seen are not those that run now.</summary>
    [Fact]
    public void After_FormerRevisionAgain_IsInProgress()
    {
        var changed = ReleaseProgress.After(Served(Former), Today, _time.GetUtcNow());
        var back = ReleaseProgress.After(changed, Former, _time.GetUtcNow());

        Assert.True(changed.IsInProgress);
        Assert.True(back.IsInProgress);
        var annotations = new Dictionary<string, string>();
        back.AddTo(annotations);
        Assert.Equal(back.Served, ReleaseProgress.Read(annotations)!.Served);
    }

    /// <summary>
    /// A clock that was ahead, or a person, writes a moment to come: it must not count as a change under way until then, and hold a place
    /// for years.
    /// </summary>
    [Fact]
    public void Advance_ChangedInTheFuture_IsNotInProgress()
    {
        var rollout = With(3);
        Record(rollout, 0, Changed() with { Since = _time.GetUtcNow().AddDays(1) });

        Assert.Equal("current 0, inprogress 0, waiting 2, failed 1", Text(rollout.Advance(isCounted: false)));
    }

    /// <summary>The next reconcile that writes counts from now.</summary>
    [Theory]
    [InlineData(60, true)]
    [InlineData(3600, false)]
    public void After_SinceAMomentToCome_CountsFromNow(int seconds, bool isKept)
    {
        var now = _time.GetUtcNow();
        var before = Changed() with { Since = now.AddSeconds(seconds) };

        var after = ReleaseProgress.After(before, before.Revision, now);

        Assert.Equal(before with { Since = isKept ? before.Since : now }, after);
    }

    private Rollout With(int waiting)
    {
        var rollout = new Rollout(_options, _time);
        for (var index = 0; index < waiting; index++)
            Record(rollout, index, Served(Former));
        return rollout;
    }

    private void Record(Rollout rollout, int index, ReleaseProgress? progress, ClusterPhase phase = ClusterPhase.Ready) =>
        rollout.Record(Key(index), progress, phase, _time.GetTimestamp());

    private ReleaseProgress Served(string revision) => new(revision, _time.GetUtcNow()) { Served = revision };

    private ReleaseProgress Changed() => new(Today, _time.GetUtcNow()) { Served = Former };

    private static ClusterKey Key(int index) => new("team-a", $"c{index}");

    private static string Text(RolloutReport report) => string.Join(", ", report.Counts.Select(count =>
        $"{count.Key.ToString().ToLowerInvariant()} {count.Value}"));
}
