using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>What is said of a registry from the objects alone.</summary>
public sealed class ClusterStatusFactoryTests
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly CertificateRecord Served = new(
        "0a", "0123456789abcdef", Begin, Begin.AddDays(730), "ECDSA-P256", "digest") { Served = "0a" };

    [Fact]
    public void Create_ServedCertificate_IsReadyWithItsRoot()
    {
        var report = Report(Clusters.With(), Served);

        Assert.Equal((ClusterPhase.Ready, "10.96.0.20:443", 3, Served.NotAfter, null),
            (report.Phase, report.Endpoint, report.RootGeneration, report.CertificateUntil, report.Problem));
        Assert.Null(Report(Clusters.With(), Served with { Issuer = "ffffffffffffffff" }).RootGeneration);
    }

    [Fact]
    public void Create_IPv6_BracketsTheEndpoint() =>
        Assert.Equal("[fd00:96::14]:443", Report(Clusters.WithServices("fd00:96::/112"), Served).Endpoint);

    [Fact]
    public void Create_OtherAddressesThanInstalled_ShowsWhereTheRegistryIs() => Assert.Equal(
        "10.96.0.40:443",
        Report(
            Clusters.With(), Served,
            values: "service: {clusterIPs: [\"10.96.0.40\"]}\nprimaryService: {clusterIPs: [\"10.96.0.41\"]}\n").Endpoint);

    [Fact]
    public void Create_NotThere_SaysWhatIsAwaited()
    {
        Assert.Contains("not installed", Report(Clusters.With(), null).Problem, StringComparison.Ordinal);
        Assert.Contains("seen served", Report(Clusters.With(), Served with { Served = "09" }).Problem, StringComparison.Ordinal);
        Assert.Equal(ClusterPhase.Off, Report(Clusters.With(registry: null), null).Phase);
        Assert.Contains("taken away", Report(Clusters.With(registry: null), Served).Problem, StringComparison.Ordinal);
        Assert.Equal(ClusterPhase.Invalid, Report(Clusters.With("""{ "replicas": 99 }"""), Served).Phase);
    }

    [Theory]
    [InlineData(486, ClusterPhase.Ready)]
    [InlineData(513, ClusterPhase.Waiting)]
    [InlineData(731, ClusterPhase.Refused)]
    public void Create_OverTime_SaysWhenARenewalIsLate(int days, ClusterPhase phase) =>
        Assert.Equal(phase, Report(Clusters.With(), Served, now: Begin.AddDays(days)).Phase);

    /// <summary>What was told explains what is awaited; a ready registry has no problem any more.</summary>
    [Fact]
    public void Create_Warning_ExplainsOnlyWhatIsAwaited()
    {
        var warning = new Event { Note = "The workload API server can't be used now." };

        Assert.Equal(warning.Note, Report(Clusters.With(), null, warning).Problem);
        Assert.Null(Report(Clusters.With(), Served, warning).Problem);
    }

    /// <summary>
    /// Those that failed with an earlier revision wait for their turn; only the one that was written last can be stopped.
    /// </summary>
    [Fact]
    public void MarkRollout_TooManyFailed_SaysSoOfThem()
    {
        var options = new RegistryOptions { RolloutMaxFailures = 2 };
        ClusterStatus[] reports = [Rolling("c1", "new", 30), Rolling("c2", "new", 21), Rolling("c3", "new", 5), Rolling("c4", "old", 90)];

        var marked = ClusterStatusFactory.MarkRollout(reports, options, Begin);

        Assert.Equal(["c1", "c2"], marked.Where(report => report.Problem == Rollout.StopReason).Select(report => report.Cluster.Name));
        Assert.Equal(["c1", "c2"], marked.Where(report => report.StopsRollout).Select(report => report.Cluster.Name));
        Assert.All(new[] { options with { RolloutMaxFailures = 3 }, options with { Rollout = RolloutMode.Immediately } }, other =>
            Assert.All(ClusterStatusFactory.MarkRollout(reports, other, Begin), report => Assert.Null(report.Problem)));
    }

    [Fact]
    public void MarkRollout_ByRevisionAndPods_SaysWhereEachRegistryIs()
    {
        var current = Rolling("c4", "new", 30);
        ClusterStatus[] reports =
        [
            Rolling("c1", "new", 30), Rolling("c2", "new", 5), Rolling("c3", "old", 90),
            new(new ClusterKey("team-a", "off"), ClusterPhase.Off),
            current with { Progress = current.Progress! with { Served = "new" } },
            current with { Progress = current.Progress! with { Served = null } },
        ];

        Assert.Equal(
            [RolloutState.Failed, RolloutState.InProgress, RolloutState.Waiting, null, RolloutState.Current, null],
            ClusterStatusFactory.MarkRollout(reports, new RegistryOptions(), Begin).Select(report => report.Rollout));
    }

    /// <summary>Whoever may edit a HelmChartProxy must not take the status of all other registries away.</summary>
    [Theory]
    [InlineData("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z")]
    [InlineData("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")]
    [InlineData("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z")]
    public void Create_MomentsAtTheEndsOfTheCalendar_AreNotKnown(string notBefore, string notAfter)
    {
        var release = Release(Served, null);
        var annotations = new Dictionary<string, string>(release.Metadata.Annotations!)
        {
            ["capi-registry-hook.io/certificate-not-before"] = notBefore,
            ["capi-registry-hook.io/certificate-not-after"] = notAfter,
        };
        var facts = new ClusterFacts(
            Clusters.With(), release with { Metadata = release.Metadata with { Annotations = annotations } },
            new Dictionary<string, int>());

        Assert.Contains(
            "not known", ClusterStatusFactory.Create(facts, new RegistryOptions(), Begin).Problem, StringComparison.Ordinal);
    }

    private static ClusterStatus Rolling(string name, string revision, int minutes) =>
        new(new ClusterKey("team-a", name), ClusterPhase.Waiting)
        {
            Release = revision,
            Progress = new ReleaseProgress(revision, Begin.AddMinutes(-minutes)) { Served = "earlier" },
        };

    private static HelmChartProxy Release(CertificateRecord record, string? values) => new()
    {
        Metadata = new ObjectMeta { Name = "c1-registry", Annotations = record.ToAnnotations() },
        Spec = new HelmChartProxySpec
        {
            ClusterSelector = new LabelSelector(new Dictionary<string, string>()), RepoURL = "", ChartName = "", ValuesTemplate = values,
        },
    };

    private static ClusterStatus Report(
        Cluster cluster, CertificateRecord? record, Event? warning = null, DateTimeOffset? now = null, string? values = null)
    {
        var release = record is null
            ? null : Release(record, values);
        var generations = new Dictionary<string, int> { ["0123456789abcdef"] = 3 };
        return ClusterStatusFactory.Create(
            new ClusterFacts(cluster, release, generations) { Warning = warning }, new RegistryOptions(), now ?? Begin.AddDays(1));
    }
}
