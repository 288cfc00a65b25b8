using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>The admin changes values, and installed registries get them when it is their turn.</summary>
public sealed class RolloutCycleTests : IDisposable
{
    private const string NewValues = "replicas: 3\nlog: {level: debug}\n";

    private const string Marker = "debug";

    private readonly ReconcilerFixture _fixture = new();

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Reconcile_NotItsTurn_KeepsWhatItHasAndIsReadyAtTheCostOfAnyOther()
    {
        await InstallAsync();
        var before = await SpecAsync();
        _fixture.Options.Defaults.Replace(NewValues);
        var (management, workload) = (_fixture.Management.CallCount, _fixture.Workload.CallCount);

        var status = await _fixture.ReconcileAsync();

        Assert.Equal((4, 0), (_fixture.Management.CallCount - management, _fixture.Workload.CallCount - workload));
        Assert.Equal((ClusterPhase.Ready, 0), (status.Phase, status.Changes.Count));
        Assert.Equal(before, await SpecAsync());
    }

    [Fact]
    public async Task Reconcile_ItsTurn_IsChangedAndDoneWhenItsNewPodsServe()
    {
        await InstallAsync();
        _fixture.Options.Defaults.Replace(NewValues);
        Assert.Equal([ReconcilerFixture.Key], Advance().Turns);

        Assert.Equal(ClusterPhase.Waiting, (await _fixture.ReconcileAsync()).Phase);
        Assert.Equal(1, Advance().Counts[RolloutState.InProgress]);
        _fixture.Served = new ServedResult.Waiting("The pods roll.");
        Assert.Equal(ClusterPhase.Waiting, (await _fixture.ReconcileAsync()).Phase);
        _fixture.Served = new ServedResult.AllServed();
        Assert.Equal(ClusterPhase.Ready, (await _fixture.ReconcileAsync()).Phase);

        Assert.Equal(1, Advance().Counts[RolloutState.Current]);
        Assert.Contains(Marker, await SpecAsync(), StringComparison.Ordinal);
        Assert.Contains($"release-revision: \"{ReleaseRevision.Of(_fixture.Options).Id}\"", await ValuesAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reconcile_TwoClustersOneAtATime_ChangesTheSecondWhenTheFirstServes()
    {
        var replica = _fixture.NewReplica(_fixture.Options with { RolloutConcurrency = 1 });
        await InstallAsync(replica);
        await InstallAsync(replica, "c2");
        _fixture.Options.Defaults.Replace(NewValues);

        Assert.Equal(["c1"], Advance(replica).Turns.Select(key => key.Name));
        await _fixture.ReconcileAsync(replica);
        await _fixture.ReconcileAsync(replica, "c2");
        Assert.Empty(Advance(replica).Turns);
        Assert.DoesNotContain(Marker, await ValuesAsync("c2"), StringComparison.Ordinal);
        await _fixture.ReconcileAsync(replica);

        Assert.Equal(["c2"], Advance(replica).Turns.Select(key => key.Name));
        await _fixture.ReconcileAsync(replica, "c2");
        Assert.Contains(Marker, await ValuesAsync("c2"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reconcile_AnotherLeader_CountsWhatTheFormerOneChanged()
    {
        var options = _fixture.Options with { RolloutConcurrency = 1 };
        var former = _fixture.NewReplica(options);
        await InstallAsync(former);
        await InstallAsync(former, "c2");
        _fixture.Options.Defaults.Replace(NewValues);
        Advance(former);
        await _fixture.ReconcileAsync(former);

        var replica = _fixture.NewReplica(options);
        _fixture.Served = new ServedResult.Waiting("The pods roll.");
        await _fixture.ReconcileAsync(replica, "c2");
        await _fixture.ReconcileAsync(replica);

        var report = Advance(replica);
        Assert.Empty(report.Turns);
        Assert.Equal((1, 1), (report.Counts[RolloutState.InProgress], report.Counts[RolloutState.Waiting]));
    }

    [Fact]
    public async Task Reconcile_NotItsTurn_AppliesItsUsersChangeAtOnce()
    {
        await InstallAsync();
        _fixture.Options.Defaults.Replace(NewValues);
        await SetRegistryAsync(new JsonObject { ["resources"] = new JsonObject { ["limits"] = new JsonObject { ["memory"] = "3Gi" } } });

        await _fixture.ReconcileAsync();

        var values = await ValuesAsync();
        Assert.Contains("3Gi", values, StringComparison.Ordinal);
        Assert.DoesNotContain(Marker, values, StringComparison.Ordinal);
    }

    /// <summary>The admin's replicas are part of the certificate's names: those that wait get one for the names that they have.</summary>
    [Fact]
    public async Task Reconcile_NotItsTurn_RenewsACertificateThatIsDue()
    {
        await InstallAsync();
        var serial = (await _fixture.ReconcileAsync()).Certificate!.Serial;
        _fixture.Options.Defaults.Replace(NewValues);
        _fixture.Time.Advance(TimeSpan.FromDays(520));

        await _fixture.ReconcileAsync();
        var renewed = await _fixture.ReconcileAsync();

        Assert.Equal(ClusterPhase.Ready, renewed.Phase);
        Assert.NotEqual(serial, renewed.Certificate!.Serial);
        Assert.Contains($"certificateSerial: \"{renewed.Certificate.Serial}\"", await ValuesAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain(Marker, await ValuesAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reconcile_OnUpgrade_WaitsForTheHookThatBringsItToToday()
    {
        var replica = _fixture.NewReplica(_fixture.Options with { Rollout = RolloutMode.OnUpgrade });
        await InstallAsync(replica);
        _fixture.Options.Defaults.Replace(NewValues);
        Assert.Empty(Advance(replica).Turns);
        await _fixture.ReconcileAsync(replica);
        Assert.DoesNotContain(Marker, await ValuesAsync(), StringComparison.Ordinal);

        var outcome = await replica.UpgradeAsync(await ReadClusterAsync(), "v1.35.0", CancellationToken);

        Assert.Equal(OutcomeKind.Done, outcome.Kind);
        Assert.Contains(Marker, await ValuesAsync(), StringComparison.Ordinal);
        Assert.Equal(ClusterPhase.Ready, (await _fixture.ReconcileAsync(replica)).Phase);
        Assert.Equal(1, Advance(replica).Counts[RolloutState.Current]);
    }

    [Fact]
    public async Task Reconcile_Immediately_ChangesWithTheNextReconcile()
    {
        var replica = _fixture.NewReplica(_fixture.Options with { Rollout = RolloutMode.Immediately });
        await InstallAsync(replica);
        _fixture.Options.Defaults.Replace(NewValues);

        await _fixture.ReconcileAsync(replica);

        Assert.Contains(Marker, await ValuesAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reconcile_ItsTurnAndUnreachable_IsNotChanged()
    {
        await InstallAsync();
        _fixture.Options.Defaults.Replace(NewValues);
        Advance();
        _fixture.Workload.InjectFault(_ => CapiRegistryHook.Harness.Embedded.Fault.DropBefore());

        Assert.Equal(ClusterPhase.Unreachable, (await _fixture.ReconcileAsync()).Phase);

        Assert.DoesNotContain(Marker, await ValuesAsync(), StringComparison.Ordinal);
        Assert.Equal(1, Advance().Counts[RolloutState.Waiting]);
    }

    [Fact]
    public async Task Reconcile_TooManyFail_RecordsAnEventOnThemAndChangesNoOther()
    {
        var replica = _fixture.NewReplica(_fixture.Options with { RolloutConcurrency = 1, RolloutMaxFailures = 1 });
        await InstallAsync(replica);
        await InstallAsync(replica, "c2");
        _fixture.Options.Defaults.Replace(NewValues);
        Advance(replica);
        await _fixture.ReconcileAsync(replica);
        _fixture.Served = new ServedResult.Waiting("The pods roll.");
        _fixture.Time.Advance(Rollout.ProgressLimit + TimeSpan.FromSeconds(1));

        Assert.True(Advance(replica).IsStopped);
        await _fixture.ReconcileAsync(replica);
        await _fixture.ReconcileAsync(replica, "c2");

        var events = await _fixture.Objects.ListAsync(AdminClient.Events("team-a"), CancellationToken);
        var stopped = Assert.Single(events, item => (string?)item["reason"] == "RolloutStopped");
        Assert.Equal("c1", (string?)stopped["regarding"]!["name"]);
        Assert.DoesNotContain(Marker, await ValuesAsync("c2"), StringComparison.Ordinal);
    }

    /// <summary>What others write there is no decision of the admin: the registry is repaired to those of today.</summary>
    [Theory]
    [InlineData("capi-registry-hook.io/release-admin-values", "{\"extraVolumes\":[]}")]
    [InlineData("capi-registry-hook.io/release-admin-values", "no JSON")]
    [InlineData("capi-registry-hook.io/release-revision", "0000000000000000")]
    public async Task Reconcile_AnnotationsEdited_AreRepaired(string annotation, string value)
    {
        await InstallAsync();
        var before = await ValuesAsync();
        await _fixture.Objects.MergePatchAsync(ReconcilerFixture.Releases, "c1-registry", new JsonObject
        {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [annotation] = value } },
        }, CancellationToken);

        await _fixture.ReconcileAsync();
        Assert.Equal(ClusterPhase.Ready, (await _fixture.ReconcileAsync()).Phase);

        Assert.Equal(before, await ValuesAsync());
        Assert.NotEqual(value, (string?)(await ReleaseAsync("c1"))["metadata"]!["annotations"]![annotation]);
    }

    private async Task InstallAsync(RegistryLifecycle? replica = null, string name = "c1")
    {
        await _fixture.AddClusterAsync(name);
        await _fixture.ReconcileAsync(replica, name);
        Assert.Equal(ClusterPhase.Ready, (await _fixture.ReconcileAsync(replica, name)).Phase);
        await _fixture.ReconcileAsync(replica, name);
    }

    private RolloutReport Advance(RegistryLifecycle? replica = null) =>
        (replica ?? _fixture.Registry).Fleet.AdvanceRollout(isCounted: true);

    private Task<JsonObject> ReleaseAsync(string name) =>
        _fixture.Objects.GetAsync(ReconcilerFixture.Releases, $"{name}-registry", CancellationToken);

    private async Task<string> SpecAsync() => (await ReleaseAsync("c1"))["spec"]!.ToJsonString();

    private async Task<string> ValuesAsync(string name = "c1") => (string)(await ReleaseAsync(name))["spec"]!["valuesTemplate"]!;

    private async Task<Cluster> ReadClusterAsync() => Cluster.Read(System.Text.Json.JsonSerializer.SerializeToElement(
        await _fixture.Objects.GetAsync(AdminClient.Clusters("team-a"), "c1", CancellationToken)));

    private Task<JsonObject> SetRegistryAsync(JsonObject registry) => _fixture.PatchClusterAsync(new JsonObject
    {
        ["spec"] = new JsonObject
        {
            ["topology"] = new JsonObject
            {
                ["variables"] = new JsonArray(new JsonObject
                {
                    ["name"] = "clusterConfig",
                    ["value"] = new JsonObject { ["addons"] = new JsonObject { ["registry"] = registry } },
                }),
            },
        },
    });
}
