using CapiRegistryHook.Dashboard.Reading;
using CapiRegistryHook.Registry.Inspection;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Unit.Tests.Dashboard;

/// <summary>How far a rotation and a rollout are.</summary>
public sealed class ProgressSummaryTests
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly RootReport Old = new("old", RootRole.Signing, Begin, Begin.AddYears(10)) { Generation = 1 };
    private static readonly RootReport Next = new("next", RootRole.Next, Begin, Begin.AddYears(10)) { Generation = 2 };

    [Fact]
    public void Rotation_OneRootAlone_IsNone() =>
        Assert.Null(RotationSummary.Create([Cluster("a", "old")], Roots([Old], ("a", ["old"]))));

    [Fact]
    public void Rotation_WithoutRoots_IsNone() => Assert.Null(RotationSummary.Create([Cluster("a", "old")], Roots([])));

    [Theory]
    [InlineData(new[] { "old" }, "old", true, "Prepare", 0)]
    [InlineData(new[] { "old", "next" }, "old", true, "Switch", 0)]
    [InlineData(new[] { "old", "next" }, "next", false, "Switch", 0)]
    [InlineData(new[] { "old", "next" }, "next", true, "Switch", 1)]
    public void Rotation_ByBundleAndCertificate_HasAPhaseAndACount(string[] trusted, string issuer, bool isServed, string phase, int done)
    {
        var rotation = RotationSummary.Create([Cluster("a", issuer, isServed)], Roots([Old, Next], ("a", trusted)))!;

        Assert.Equal((phase, 1, 2, done, 1), (rotation.Phase, rotation.From, rotation.To, rotation.Done, rotation.Total));
        Assert.Equal(1 - done, rotation.Holding.Count);
    }

    [Fact]
    public void Rotation_FormerRootInABundle_Drains_AndThoseWithAProblemComeFirst()
    {
        var signing = Old with { Id = "next", Generation = 2 };
        ClusterStatus[] clusters =
            [Cluster("a", "next"), Cluster("b", "next"), Cluster("c", "next") with { Problem = "A Machine is old." }];

        var rotation = RotationSummary.Create(
            clusters, Roots([signing], ("a", ["next"]), ("b", ["former", "next"]), ("c", ["former", "next"])))!;

        Assert.Equal(("Drain", 1, 2, 1, 3), (rotation.Phase, rotation.From, rotation.To, rotation.Done, rotation.Total));
        Assert.Equal(["c", "b"], rotation.Holding.Select(holder => holder.Name));
        Assert.Equal("A Machine is old.", rotation.Holding[0].Reason);
    }

    [Fact]
    public void Rotation_WaitsForNoPausedOrDisabledCluster()
    {
        ClusterStatus[] clusters = [Cluster("a", "next"), Cluster("p", "old") with { Phase = ClusterPhase.Paused }];

        Assert.Equal(1, RotationSummary.Create(clusters, Roots([Old, Next], ("a", ["old", "next"])))!.Total);
    }

    [Fact]
    public void Rollout_NothingInstalled_IsNone() => Assert.Null(RolloutSummary.Create([Cluster("a", "old")]));

    [Fact]
    public void Rollout_ByState_IsCounted()
    {
        ClusterStatus[] clusters =
        [
            Rolling("a", "new", RolloutState.Current, 9), Rolling("b", "new", RolloutState.InProgress, 5),
            Rolling("c", "new", RolloutState.Failed, 30), Rolling("d", "old", RolloutState.Waiting, 900),
        ];

        var rollout = RolloutSummary.Create(clusters)!;

        Assert.Equal(("Running", "new", 1, 4, 1), (rollout.State, rollout.Revision, rollout.Done, rollout.Total, rollout.Waiting));
        Assert.Equal(Begin.AddMinutes(-30), rollout.Since);
        Assert.Equal("b", Assert.Single(rollout.Changing).Name);
        Assert.Equal("c", Assert.Single(rollout.Failed).Name);
    }

    [Theory]
    [InlineData(RolloutState.Current, false, "Done")]
    [InlineData(RolloutState.Waiting, false, "Waiting")]
    [InlineData(RolloutState.InProgress, false, "Running")]
    [InlineData(RolloutState.Failed, true, "Stopped")]
    public void Rollout_ByItsLeastRegistry_HasAState(RolloutState state, bool isStopped, string expected)
    {
        var other = Rolling("b", state == RolloutState.Waiting ? "old" : "new", state, 90) with { StopsRollout = isStopped };

        Assert.Equal(expected, RolloutSummary.Create([Rolling("a", "new", RolloutState.Current, 1), other])!.State);
    }

    private static ClusterStatus Cluster(string name, string issuer, bool isServed = true) =>
        new(new ClusterKey("team-a", name), ClusterPhase.Ready)
        {
            Certificate = new CertificateReport("01", issuer, null, Begin, Begin.AddYears(2), Begin.AddYears(1), isServed),
        };

    private static ClusterStatus Rolling(string name, string revision, RolloutState state, int minutes) => Cluster(name, "old") with
    {
        Rollout = state,
        Installed = new ReleaseStatus("charts/registry", "0.1.0") { Revision = revision, Since = Begin.AddMinutes(-minutes) },
    };

    private static RootOverview Roots(IReadOnlyList<RootReport> roots, params (string Cluster, string[] Ids)[] trusted) => new(
        roots, trusted.ToDictionary(
            entry => new ClusterKey("team-a", entry.Cluster),
            IReadOnlyDictionary<string, DateTimeOffset> (entry) => entry.Ids.ToDictionary(id => id, _ => Begin)));
}
