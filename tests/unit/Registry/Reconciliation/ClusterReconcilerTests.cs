using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>One Cluster, reconciled in every state that it can be in.</summary>
public sealed class ClusterReconcilerTests : IDisposable
{
    private readonly ReconcilerFixture _fixture = new();

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Reconcile_NewCluster_InstallsThenWaitsForPodsThenIsReadyAndChangesNothing()
    {
        await _fixture.AddClusterAsync();
        var installed = await _fixture.ReconcileAsync();
        _fixture.Served = new ServedResult.Waiting("The pods roll.");
        var rolling = await _fixture.ReconcileAsync();
        _fixture.Served = new ServedResult.AllServed();
        var served = await _fixture.ReconcileAsync();
        var settled = await _fixture.ReconcileAsync();

        Assert.Equal([ClusterPhase.Waiting, ClusterPhase.Waiting, ClusterPhase.Ready, ClusterPhase.Ready],
            new[] { installed, rolling, served, settled }.Select(status => status.Phase));
        Assert.Contains(installed.Changes, change => change.Kind == "HelmChartProxy");
        Assert.Equal("The pods roll.", rolling.Reason);
        Assert.Empty(settled.Changes);
    }

    [Fact]
    public async Task Reconcile_Settled_CallsTheManagementClusterFourTimesAndTheWorkloadClusterNever()
    {
        await _fixture.InstallAsync();
        var (management, workload) = (_fixture.Management.CallCount, _fixture.Workload.CallCount);

        await _fixture.ReconcileAsync();

        Assert.Equal((4, 0), (_fixture.Management.CallCount - management, _fixture.Workload.CallCount - workload));
    }

    /// <summary>The alert on the end of a certificate must be able to fire, also after another replica has taken over.</summary>
    [Theory]
    [InlineData(ClusterPhase.Paused)]
    [InlineData(ClusterPhase.Invalid)]
    [InlineData(ClusterPhase.Deleting)]
    [InlineData(ClusterPhase.Refused)]
    public async Task Reconcile_LeftAlone_TellsWhenTheCertificateEnds(ClusterPhase phase)
    {
        await _fixture.InstallAsync();
        var before = await _fixture.ReconcileAsync();
        await BringAboutAsync(phase);

        var status = await _fixture.ReconcileAsync(_fixture.NewReplica());

        Assert.Equal((phase, before.Certificate), (status.Phase, status.Certificate));
        Assert.NotNull(status.Certificate);
    }

    [Fact]
    public async Task Reconcile_NoLongerRequested_IsOffAndTellsOfNoCertificate()
    {
        await _fixture.InstallAsync();
        await SetVariablesAsync(new JsonArray());

        var status = await _fixture.ReconcileAsync();

        Assert.Equal((ClusterPhase.Off, null), (status.Phase, status.Certificate));
        Assert.Null(await _fixture.Objects.FindAsync(ReconcilerFixture.Releases, "c1-registry", CancellationToken));
    }

    [Fact]
    public async Task Reconcile_NoCluster_IsGone() => Assert.Equal(ClusterPhase.Gone, (await _fixture.ReconcileAsync()).Phase);

    /// <summary>Whoever breaks the login, on either cluster: a certificate that is due must not wait for the repair.</summary>
    [Theory]
    [InlineData("team-a", "c1-registry-addon-login")]
    [InlineData("registry-system", "registry-auth")]
    public async Task Reconcile_LoginUnusableWhenTheCertificateIsDue_RenewsAndTellsOfTheLogin(string @namespace, string name)
    {
        await _fixture.InstallAsync();
        await SetVariablesAsync(Requesting(new JsonObject { ["auth"] = new JsonObject { ["generate"] = true } }));
        await _fixture.ReconcileAsync();
        var before = await _fixture.ReconcileAsync();
        Assert.Equal(ClusterPhase.Ready, before.Phase);
        using var workload = new AdminClient(_fixture.Workload);
        await (@namespace == "team-a" ? _fixture.Objects : workload).MergePatchAsync(AdminClient.Secrets(@namespace), name,
            new JsonObject { ["metadata"] = new JsonObject { ["labels"] = null } }, CancellationToken);
        _fixture.Time.Advance(TimeSpan.FromDays(700));

        await _fixture.ReconcileAsync();
        var status = await _fixture.ReconcileAsync();

        Assert.Equal(ClusterPhase.Refused, status.Phase);
        Assert.Contains($"Secret {@namespace}/{name} ", status.Reason, StringComparison.Ordinal);
        Assert.True(status.Certificate!.NotAfter > before.Certificate!.NotAfter);
        var release = await _fixture.Objects.GetAsync(ReconcilerFixture.Releases, "c1-registry", CancellationToken);
        Assert.Contains(status.Certificate.Serial, (string)release["spec"]!["valuesTemplate"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reconcile_LoginUnusableBeforeTheFirst_InstallsNoRegistryThatWouldWaitForIt()
    {
        await _fixture.InstallAsync();
        var before = await _fixture.Objects.GetAsync(ReconcilerFixture.Releases, "c1-registry", CancellationToken);
        await _fixture.Objects.CreateAsync(AdminClient.Secrets("team-a"),
            new JsonObject { ["metadata"] = new JsonObject { ["name"] = "c1-registry-addon-login" } }, CancellationToken);
        await SetVariablesAsync(Requesting(new JsonObject { ["auth"] = new JsonObject { ["generate"] = true } }));

        Assert.Equal(ClusterPhase.Refused, (await _fixture.ReconcileAsync()).Phase);

        var after = await _fixture.Objects.GetAsync(ReconcilerFixture.Releases, "c1-registry", CancellationToken);
        Assert.Equal((string)before["spec"]!["valuesTemplate"]!, (string)after["spec"]!["valuesTemplate"]!);
    }

    private static JsonArray Requesting(JsonObject settings) => new(new JsonObject
    {
        ["name"] = "clusterConfig",
        ["value"] = new JsonObject { ["addons"] = new JsonObject { ["registry"] = settings } },
    });

    private async Task BringAboutAsync(ClusterPhase phase)
    {
        switch (phase)
        {
            case ClusterPhase.Paused:
                await _fixture.PatchClusterAsync(new JsonObject { ["spec"] = new JsonObject { ["paused"] = true } });
                break;
            case ClusterPhase.Invalid:
                await SetVariablesAsync(Requesting(new JsonObject { ["replicas"] = "many" }));
                break;
            case ClusterPhase.Deleting:
                await _fixture.PatchClusterAsync(
                    new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = new JsonArray("cluster.test/wait") } });
                await _fixture.Objects.DeleteIfThereAsync(AdminClient.Clusters("team-a"), "c1", CancellationToken);
                break;
            default:
                await _fixture.Objects.MergePatchAsync(
                    AdminClient.Secrets(ReconcilerFixture.HookNamespace), "registry-addon-root-ca",
                    new JsonObject { ["data"] = new JsonObject { ["tls.key"] = "bm8ga2V5" } }, CancellationToken);
                break;
        }
    }

    private Task<JsonObject> SetVariablesAsync(JsonArray variables) => _fixture.PatchClusterAsync(
        new JsonObject { ["spec"] = new JsonObject { ["topology"] = new JsonObject { ["variables"] = variables } } });
}
