using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Unit.Tests.Registry.Release;

/// <summary>The operations of the hooks as a whole: whom they believe, what they tell, and how many calls they make.</summary>
public sealed class RegistryLifecycleTests
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EveryHook_UidOfNoLiveCluster_ChangesNothing(bool isInstalled)
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        if (isInstalled)
            await fixture.Registry.InstallAsync(cluster, CancellationToken);
        var before = await StateAsync(fixture);
        var forged = cluster with { Metadata = cluster.Metadata with { Uid = "11111111-1111-1111-1111-111111111111" } };

        foreach (var call in Hooks(fixture))
        {
            var outcome = await call(forged);
            Assert.Equal(OutcomeKind.Refused, outcome.Kind);
            Assert.Contains("with another metadata.uid", outcome.Reason, StringComparison.Ordinal);
            Assert.Empty(outcome.Changes);
        }

        Assert.Equal(before, await StateAsync(fixture));
    }

    [Fact]
    public async Task EveryHook_ClusterThatDoesNotExist_ChangesNothing()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        var unknown = cluster with { Metadata = cluster.Metadata with { Name = "c2" } };

        foreach (var call in Hooks(fixture))
            Assert.Equal(OutcomeKind.Refused, (await call(unknown)).Kind);
        Assert.Empty(await fixture.Management.ListAsync(AdminClient.Secrets("capi-registry-hook-system"), CancellationToken));
    }

    [Fact]
    public async Task Upgrade_UnexpectedFault_BlocksForAsLongAsAnyOther()
    {
        // Options that were not validated: the plan can't be made.
        var (fixture, cluster) = await LifecycleFixture.StartAsync(options: new RegistryOptions { KeyAlgorithm = "none" });
        using var owned = fixture;

        var first = await fixture.Registry.UpgradeAsync(await fixture.ReadAsync(), "v1.34.0", CancellationToken);
        fixture.Time.Advance(TimeSpan.FromMinutes(11));
        var later = await fixture.Registry.UpgradeAsync(await fixture.ReadAsync(), "v1.34.0", CancellationToken);
        var created = await fixture.Registry.PrepareAsync(cluster, CancellationToken);

        Assert.Equal((OutcomeKind.Unavailable, OutcomeKind.LetGo, OutcomeKind.Unavailable), (first.Kind, later.Kind, created.Kind));
        Assert.True(first.IsUnexpected && later.IsUnexpected && later.Cause is not null);
        Assert.Equal("An unexpected fault; see this service's log.", later.Reason);
    }

    [Fact]
    public async Task EveryHook_KeepsToItsCalls()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;

        await fixture.Registry.PrepareAsync(cluster, CancellationToken);
        var nothingToDo = await CountAsync(fixture, () => fixture.Registry.PrepareAsync(cluster, CancellationToken));
        var labelled = cluster with
        {
            Metadata = cluster.Metadata with { Labels = new Dictionary<string, string> { [RegistryPlan.ClusterNameLabel] = "c1" } },
        };
        var install = await CountAsync(fixture, () => fixture.Registry.InstallAsync(labelled, CancellationToken));
        var upgrade = await CountAsync(fixture, () => fixture.Registry.UpgradeAsync(labelled, "v1.34.0", CancellationToken));

        Assert.Equal((2, 10, 8), (nothingToDo, install, upgrade));
    }

    [Fact]
    public async Task Install_ByTheHook_TellsWhatTheReconcilerWouldAndOnlyOnce()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        var (other, _) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        using var alsoOwned = other;

        await fixture.Registry.InstallAsync(cluster, CancellationToken);
        await fixture.Registry.InstallAsync(await fixture.ReadAsync(), CancellationToken);
        await fixture.ReconcileAsync();
        await other.ReconcileAsync();

        var told = await fixture.EventsAsync();
        Assert.Equal(["CertificateIssued", "RegistryInstalled"], told.Select(item => item.Reason));
        Assert.Equal(await other.EventsAsync(), told);
    }

    [Fact]
    public async Task Install_RegistryOfAnotherAddOn_IsRefusedAndStays()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        await fixture.Workload.CreateAsync(
            "/api/v1/namespaces", new JsonObject { ["metadata"] = new JsonObject { ["name"] = "registry-system" } }, CancellationToken);
        var theirs = await fixture.Workload.CreateAsync(AdminClient.Secrets("registry-system"), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "registry-tls" },
            ["type"] = "kubernetes.io/tls",
            ["data"] = new JsonObject { ["tls.crt"] = "dGhlaXJz", ["tls.key"] = "dGhlaXJz" },
        }, CancellationToken);

        var outcome = await fixture.Registry.InstallAsync(cluster, CancellationToken);

        Assert.Equal(OutcomeKind.Refused, outcome.Kind);
        Assert.Contains("is not ours", outcome.Reason, StringComparison.Ordinal);
        Assert.Null(await fixture.ChartProxyAsync());
        var after = await fixture.Workload.GetAsync(AdminClient.Secrets("registry-system"), "registry-tls", CancellationToken);
        Assert.Equal((string?)theirs["metadata"]!["resourceVersion"], (string?)after["metadata"]!["resourceVersion"]);
    }

    [Fact]
    public async Task Upgrade_UsersMistake_FailsAndProceedsAfterTheLimit()
    {
        var (fixture, _) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        var cluster = await fixture.RequestAsync("""{ "replicas": 99 }""");

        var first = await fixture.Registry.UpgradeAsync(cluster, "v1.34.0", CancellationToken);
        fixture.Time.Advance(TimeSpan.FromMinutes(11));
        var last = await fixture.Registry.UpgradeAsync(await fixture.ReadAsync(), "v1.34.0", CancellationToken);

        Assert.Equal((OutcomeKind.Invalid, OutcomeKind.LetGo), (first.Kind, last.Kind));
        Assert.Contains("replicas", last.Reason, StringComparison.Ordinal);
        Assert.Contains(await fixture.EventsAsync(), item => item.Reason == "RegistryNotRefreshed");
    }

    [Theory]
    [InlineData(DisabledData.Keep, "stay on the workload cluster")]
    [InlineData(DisabledData.Delete, "are deleted from the workload cluster")]
    public async Task Disable_TellsWhatBecomesOfTheData(DisabledData data, string expected)
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync(options: new RegistryOptions { OnDisable = data });
        using var owned = fixture;
        await fixture.Registry.InstallAsync(cluster, CancellationToken);
        await fixture.Workload.CreateAsync(AdminClient.Secrets("registry-system"), new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = "registry-sources", ["labels"] = new JsonObject { ["app.kubernetes.io/managed-by"] = "capi-registry-hook" },
            },
        }, CancellationToken);
        await fixture.RequestAsync(null);

        var status = await fixture.ReconcileAsync();

        Assert.Equal(ClusterPhase.Off, status.Phase);
        Assert.Null(await fixture.ChartProxyAsync());
        foreach (var secret in new[] { "registry-tls", "registry-http", "registry-sources" })
            Assert.Equal(data == DisabledData.Keep, await fixture.Workload.FindAsync(
                AdminClient.Secrets("registry-system"), secret, CancellationToken) is not null);
        Assert.Contains(expected, (await fixture.EventsAsync()).Single(item => item.Reason == "Disabled").Note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Disable_ReleaseOfAnotherCluster_Stays()
    {
        var (fixture, cluster) = await LifecycleFixture.StartAsync();
        using var owned = fixture;
        await fixture.Registry.InstallAsync(cluster, CancellationToken);
        await fixture.Management.MergePatchAsync(
            AdminClient.ChartProxies(LifecycleFixture.Namespace), "c1-registry",
            new JsonObject { ["metadata"] = new JsonObject { ["ownerReferences"] = null } },
            CancellationToken);
        await fixture.RequestAsync(null);

        var status = await fixture.ReconcileAsync();

        Assert.Equal(ClusterPhase.Off, status.Phase);
        Assert.Empty(status.Changes);
        Assert.NotNull(await fixture.ChartProxyAsync());
    }

    private static IEnumerable<Func<Cluster, Task<RegistryOutcome>>> Hooks(LifecycleFixture fixture) =>
    [
        cluster => fixture.Registry.PrepareAsync(cluster, CancellationToken),
        cluster => fixture.Registry.InstallAsync(cluster, CancellationToken),
        cluster => fixture.Registry.UpgradeAsync(cluster, "v1.34.0", CancellationToken),
    ];

    private static async Task<long> CountAsync(LifecycleFixture fixture, Func<Task<RegistryOutcome>> call)
    {
        var before = fixture.CallCount;
        Assert.Equal(OutcomeKind.Done, (await call()).Kind);
        return fixture.CallCount - before;
    }

    /// <summary>Every object that the product writes on the management cluster, but not the Cluster with its annotations.</summary>
    private static async Task<string> StateAsync(LifecycleFixture fixture)
    {
        var secrets = await fixture.Management.ListAsync(AdminClient.Secrets(LifecycleFixture.Namespace), CancellationToken);
        var roots = await fixture.Management.ListAsync(AdminClient.Secrets("capi-registry-hook-system"), CancellationToken);
        return string.Join('\n', secrets.Concat(roots).Select(item => item.ToJsonString()))
            + (await fixture.ChartProxyAsync())?.ToJsonString();
    }
}
