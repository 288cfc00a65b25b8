using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Delivery.Syncing;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Delivery.Syncing;

/// <summary>What is wanted where, and what people are told about it.</summary>
public sealed class SyncModelTests : IDisposable
{
    private static readonly ContentKey Base = new("default", "base");
    private static readonly ClusterKey One = new("default", "one");
    private static readonly ClusterKey Two = new("default", "two");

    private readonly ManualTime _time = new();
    private readonly ClockThatIsSet _clock;
    private readonly SyncModel _model;
    private int _opened;

    public SyncModelTests()
    {
        _clock = new ClockThatIsSet(_time) { Offset = TimeSpan.FromHours(8) };
        _model = new SyncModel(new SyncOptions(), ["platform"], _clock);
    }

    public void Dispose() => _model.Dispose();

    [Fact]
    public void TakeStatuses_OverTheLifeOfAContent_TellsEachStepOnce()
    {
        _model.See(Content());
        See(One);
        See(Two);
        Assert.Equal(("False", "Resolving", "The source is being asked."), Ready());
        Assert.Empty(Statuses());

        var resolved = Resolve("1");
        Assert.Equal(("False", "Syncing", "0 of 2 Clusters hold the content."), Ready());
        Record(One, resolved, complete: true);
        Record(Two, resolved, complete: false, "The workload API server can't be reached.");
        var failing = Assert.Single(Statuses());
        Assert.Equal(("False", "ClustersFailing", "1 of 2 Clusters holds the content, 1 fails."), Words(failing));
        Assert.Equal([new FailingCluster("default/two", "The workload API server can't be reached.")], failing.Failing!);
        Assert.Equal(new ClusterCounts(2, 1, 1), failing.Clusters);
        Record(Two, resolved, complete: true);
        var complete = Assert.Single(Statuses());
        Assert.Equal(("True", "Complete", "2 of 2 Clusters hold the content."), Words(complete));
        Assert.Equal(new ResolvedLock(resolved.Digest.ToString(), 0), complete.Lock);

        // The same again is no news, and a moved tag is.
        Record(Two, resolved, complete: true);
        Assert.Empty(Statuses());
        Resolve("2");
        Assert.Equal(("False", "Syncing", "0 of 2 Clusters hold the content."), Ready());
    }

    [Fact]
    public void TakeStatuses_WithinTwoSeconds_WaitsForMore()
    {
        _model.See(Content());
        Assert.Single(_model.TakeStatuses());
        Resolve("1");

        Assert.Empty(_model.TakeStatuses());
        _time.Advance(ContentReport.Pause);
        Assert.Equal("NoClusters", Words(Assert.Single(_model.TakeStatuses()).Status).Reason);
    }

    [Fact]
    public void TakeStatuses_NewLeader_LeavesWhatItDoesNotKnowYet()
    {
        var written = new RegistryContentStatus
        {
            ObservedGeneration = 1, Clusters = new ClusterCounts(1, 1, 0),
            Lock = new ResolvedLock(ResolvedContent.ArtifactOf(new ContentKey("default", "1"), []).Root.Digest.ToString(), 0),
            Conditions = [new ContentCondition { Type = "Ready", Status = "True", Reason = "Complete", Message = "" }],
        };
        _model.See(Content() with { Status = written });
        See(One);
        Resolve("1");
        Assert.Empty(Statuses());

        // What it does know is news: other content than the status says, or too long without an answer.
        Resolve("2");
        Assert.Equal("Syncing", Ready().Reason);
        _time.Advance(TimeSpan.FromMinutes(6));
        See(Two);
        Assert.Equal("0 of 2 Clusters hold the content.", Ready().Message);
    }

    [Fact]
    public void TakeStatuses_SourceFails_KeepsWhatIsKnown()
    {
        _model.See(Content());
        See(One);
        Record(One, Resolve("1"), complete: true);
        Assert.Equal("Complete", Ready().Reason);

        _time.Advance(TimeSpan.FromMinutes(6));
        var (asked, former) = Assert.Single(_model.TakeUnresolved(4));
        _model.Resolve(asked, null, "registry.example.com can't be reached.", isFormer: false);
        former?.Dispose();

        var status = Assert.Single(Statuses());
        Assert.Equal("Complete", Words(status).Reason);
        var source = status.Conditions!.Single(condition => condition.Type == RegistryContentStatus.SourceReady);
        Assert.Equal(("False", "registry.example.com can't be reached."), (source.Status, source.Message));
        Assert.Single(_model.ContentsOf(One)).Content.Dispose();
    }

    [Fact]
    public void ContentsOf_SuspendedUnresolvedOrChanged_IsNothing()
    {
        _model.See(Content());
        See(One);
        Assert.Empty(_model.ContentsOf(One));
        Resolve("1");
        Assert.Single(_model.ContentsOf(One)).Content.Dispose();

        _model.See(Content(2, spec => spec with { KubernetesVersions = ["v1.35"] }));
        Assert.Empty(_model.ContentsOf(One));
        Resolve("1");
        Assert.Single(_model.ContentsOf(One)).Content.Dispose();
        _model.See(Content(3, spec => spec with { Suspend = true }));
        Assert.Empty(_model.ContentsOf(One));
        Assert.Equal("Suspended", Ready().Reason);
        Assert.Empty(_model.TakeUnresolved(4));
    }

    [Fact]
    public void ContentsOf_ClusterWithoutARegistryOrWithOtherLabels_IsNothing()
    {
        _model.See(Content(1, spec => spec with
        {
            ClusterSelector = new ClusterSelector(new Dictionary<string, string> { ["env"] = "prod" }),
        }));
        Resolve("1");
        _model.See(new ContentCluster(One) { HasRegistry = true });
        _model.See(new ContentCluster(Two) { Labels = new Dictionary<string, string> { ["env"] = "prod" } });

        Assert.Empty(_model.ClustersOf(Base));
        Assert.Equal((true, false), _model.See(
            new ContentCluster(Two) { HasRegistry = true, Labels = new Dictionary<string, string> { ["env"] = "prod" } }));
        Assert.Equal([Two], _model.ClustersOf(Base));
    }

    [Fact]
    public void See_ClusterThatSomebodyWaitsFor_IsUrgentOnceForEachVersion()
    {
        var waiting = new ContentCluster(One) { HasRegistry = true, NeededFor = "v1.35.2" };

        Assert.Equal((true, true), _model.See(waiting));
        Assert.Equal((false, false), _model.See(waiting));
        Assert.Equal((true, true), _model.See(waiting with { NeededFor = "v1.36.0" }));
        Assert.Equal((false, false), _model.See(waiting with { NeededFor = null }));
    }

    /// <summary>The first try may fail, or come before the source has answered: windows stay open until nobody waits.</summary>
    [Fact]
    public void ContentsOf_ClusterThatSomebodyWaitsFor_IsAwaitedUntilNobodyDoes()
    {
        var waiting = new ContentCluster(One) { HasRegistry = true, NeededFor = "v1.35.2" };
        _model.See(Content());
        _model.See(waiting);
        Resolve("1");

        Assert.True(IsAwaited());
        Assert.True(IsAwaited());
        _model.See(waiting with { NeededFor = null });
        Assert.False(IsAwaited());

        bool IsAwaited()
        {
            var wanted = Assert.Single(_model.ContentsOf(One));
            wanted.Content.Dispose();
            return wanted.IsAwaited;
        }
    }

    /// <summary>Other contents may come from a slow source.</summary>
    [Fact]
    public void ContentsOf_ClusterThatSomebodyWaitsFor_HasFirstWhatIsNeeded()
    {
        _model.See(Content());
        _model.See(Content(1, spec => spec with { KubernetesVersions = ["v1.35"] }) with
        {
            Metadata = Content().Metadata with { Name = "upgrade" },
        });
        foreach (var (asked, _) in _model.TakeUnresolved(4))
            _model.Resolve(
                asked, new ResolvedContent(asked.Key, [], [], new Opened(() => { })) { Way = "" }, problem: null, isFormer: false);

        Assert.Equal(["base", "upgrade"], Names(neededFor: null));
        Assert.Equal(["upgrade", "base"], Names("v1.35.2"));

        List<string> Names(string? neededFor)
        {
            _model.See(new ContentCluster(One) { HasRegistry = true, NeededFor = neededFor });
            var wanted = _model.ContentsOf(One);
            foreach (var each in wanted)
                each.Content.Dispose();
            return [.. wanted.Select(each => each.Content.Key.Name)];
        }
    }

    /// <summary>A copy under way keeps the source open that another resolution replaces.</summary>
    [Fact]
    public void Resolve_WhileSomebodyHoldsTheFormer_ClosesItLater()
    {
        _model.See(Content());
        See(One);
        Resolve("1");
        var held = Assert.Single(_model.ContentsOf(One)).Content;

        Resolve("2");
        Assert.Equal(2, _opened);
        held.Dispose();
        Assert.Equal(1, _opened);
        _model.Forget(Base);
        Assert.Equal(0, _opened);
    }

    /// <summary>A machine that starts with a wrong clock gets the right one a moment later.</summary>
    [Fact]
    public void TakeUnresolved_ClockIsPutBack_ComesAfterTheInterval()
    {
        _model.See(Content());
        See(One);
        Resolve("1");
        Assert.Single(Statuses());
        _clock.Offset = TimeSpan.Zero;
        Record(One, Resolve("2"), complete: true);

        Assert.Equal("Complete", Ready().Reason);
    }

    /// <summary>Who suspends a content means what is being sent now.</summary>
    [Theory]
    [InlineData("suspended")]
    [InlineData("deleted")]
    [InlineData("changed")]
    public void ContentsOf_ContentThatIsWorkedOn_IsWithdrawnWithItsContent(string what)
    {
        _model.See(Content());
        See(One);
        Resolve("1");
        var wanted = Assert.Single(_model.ContentsOf(One));

        if (what == "deleted")
            _model.Forget(Base);
        else
            _model.See(Content(2, spec => spec with { Suspend = what == "suspended", KubernetesVersions = ["v1.35"] }));

        Assert.Equal(what != "changed", wanted.Withdrawn.IsCancellationRequested);
        wanted.Content.Dispose();
    }

    /// <summary>Its generation is the same as that of the former one, and its lock is another.</summary>
    [Fact]
    public void See_DeletedAndCreatedAgainUnnoticed_IsResolvedAnew()
    {
        _model.See(Content());
        See(One);
        Resolve("1");
        _time.Advance(TimeSpan.FromMinutes(6));
        var (asked, former) = Assert.Single(_model.TakeUnresolved(4));
        var again = Content() with { Metadata = Content().Metadata with { Uid = "2" } };

        Assert.True(_model.See(again));

        Assert.Empty(_model.ContentsOf(One));
        Assert.False(_model.Resolve(asked, former, problem: null, isFormer: true));
        former!.Dispose();
        Assert.Equal(0, _opened);
        Assert.Equal("Resolving", Ready().Reason);
        Assert.Equal("2", Assert.Single(_model.TakeUnresolved(4)).Content.Metadata.Uid);
    }

    /// <summary>Sources that hang are no reason for others to wait.</summary>
    [Fact]
    public void TakeUnresolved_SourcesOfOneNamespaceHang_LeavesPlacesForOthers()
    {
        for (var number = 0; number < 100; number++)
            _model.See(Content() with { Metadata = Content().Metadata with { Name = $"hanging-{number}" } });
        _model.See(Content() with { Metadata = Content().Metadata with { Namespace = "platform" } });

        var asked = Enumerable.Range(0, 20).SelectMany(_ =>
        {
            _time.Advance(ResolverPlaces.SlowAfter);
            return _model.TakeUnresolved(ResolverPlaces.MostInAll);
        }).Select(due => due.Content.Metadata.Namespace).ToList();

        Assert.Equal((ResolverPlaces.MostInAll / 2, 1),
            (asked.Count(place => place == "default"), asked.Count(place => place == "platform")));
        Assert.Contains("platform", asked.Take((ResolverPlaces.Most / 2) + 1));
    }

    private static RegistryContent Content(long generation = 1, Func<RegistryContentSpec, RegistryContentSpec>? change = null)
    {
        var spec = new RegistryContentSpec
        {
            Source = new ContentSource(new RegistrySourceSpec { Host = "registry.example.com" }),
            Lock = new ContentLock { Content = ["docker.io/library/nginx:1.27"] },
        };
        return new RegistryContent
        {
            Metadata = new ObjectMeta { Name = "base", Namespace = "default", Uid = "1", Generation = generation },
            Spec = change?.Invoke(spec) ?? spec,
        };
    }

    private void See(ClusterKey key) => _model.See(new ContentCluster(key) { HasRegistry = true });

    private ResolvedContent Resolve(string name)
    {
        var due = _model.TakeUnresolved(4);
        if (due.Count == 0)
        {
            _time.Advance(TimeSpan.FromMinutes(5));
            due = _model.TakeUnresolved(4);
        }

        var (asked, former) = Assert.Single(due);
        _opened++;
        var content = new ResolvedContent(new ContentKey("default", name), [], [], new Opened(() => _opened--)) { Way = name };
        _model.Resolve(asked, content, problem: null, isFormer: false);
        former?.Dispose();
        return content;
    }

    private void Record(ClusterKey cluster, ResolvedContent content, bool complete, string? reason = null) =>
        _model.Record(cluster, Base, new ClusterResult(content.Digest, complete, reason), wrote: false);

    private (string Status, string Reason, string Message) Ready() => Words(Assert.Single(Statuses()));

    private IReadOnlyList<RegistryContentStatus> Statuses()
    {
        _time.Advance(ContentReport.Pause);
        return [.. _model.TakeStatuses().Select(entry => entry.Status)];
    }

    private static (string Status, string Reason, string Message) Words(RegistryContentStatus status)
    {
        var ready = status.Conditions!.Single(condition => condition.Type == RegistryContentStatus.Ready);
        return (ready.Status, ready.Reason, ready.Message);
    }

    private sealed class Opened(Action close) : IDisposable
    {
        public void Dispose() => close();
    }
}
