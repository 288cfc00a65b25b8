using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>The condition on a Cluster, over the life of its registry.</summary>
public sealed class ClusterConditionTests : IDisposable
{
    private readonly ReconcilerFixture _fixture = new();
    private int _writes;

    private bool _isAway;

    public ClusterConditionTests()
    {
        _fixture.Management.InjectFault(request =>
        {
            _writes += request is { Resource: "clusters", Subresource: "status", FieldManager: "capi-registry-hook-condition" } ? 1 : 0;
            return null;
        });
        _fixture.Workload.InjectFault(_ => _isAway ? CapiRegistryHook.Harness.Embedded.Fault.DropBefore() : null);
    }

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Reconcile_NewCluster_SaysInstallingThenReadyAndIsWrittenOncePerTransition()
    {
        await _fixture.AddClusterAsync();
        await _fixture.ReconcileAsync();
        Assert.Equal(("False", "Installing"), await FindAsync());
        _fixture.Time.Advance(TimeSpan.FromMinutes(1));
        await _fixture.ReconcileAsync();
        Assert.Equal(("True", "Ready"), await FindAsync());
        for (var hour = 0; hour < 24; hour++)
        {
            _fixture.Time.Advance(TimeSpan.FromHours(1));
            await _fixture.ReconcileAsync();
        }

        Assert.Equal(2, _writes);
        var condition = (await ConditionAsync())!;
        Assert.Equal("2026-01-02T03:05:05Z", (string?)condition["lastTransitionTime"]);
        Assert.Equal(1, (long)condition["observedGeneration"]!);
        Assert.Equal("All replicas serve the certificate that was issued for them.", (string?)condition["message"]);
    }

    /// <summary>
    /// A year of a cluster: it is installed, upgraded twice, edited wrongly and corrected once, its certificate is renewed once, and
    /// once its API server is away while something is due. Each change of what the condition says is one write, and the thousands of
    /// other reconciles are none.
    /// </summary>
    [Fact]
    public async Task Reconcile_AYear_WritesOncePerTransition()
    {
        await _fixture.InstallAsync();
        var (said, transitions, reconciles) = (new HashSet<string>(), 0, 0);
        var last = "";
        for (var hour = 0; hour < 365 * 24; hour += 6)
        {
            _fixture.Time.Advance(TimeSpan.FromHours(6));
            await HappenAsync(hour / 24, hour % 24);
            await _fixture.ReconcileAsync();
            reconciles++;
            var now = await ConditionAsync();
            var text = $"{now!["status"]} {now["reason"]} {now["message"]} {now["observedGeneration"]}";
            transitions += text == last ? 0 : 1;
            (last, _) = (text, said.Add((string)now["reason"]!));
        }

        Assert.Equal(["CertificateRolling", "InvalidVariable", "Ready", "Unreachable"], said.Order());
        // The first one is Installing, which the loop has not seen.
        Assert.Equal((transitions + 1, 1460), (_writes, reconciles));
        Assert.True(_writes < 20, $"{_writes} writes");
    }

    private async Task HappenAsync(int day, int hour)
    {
        switch (day, hour)
        {
            case (60 or 240, 0):
                await _fixture.PatchClusterAsync(new JsonObject {
                    ["spec"] = new JsonObject { ["topology"] = new JsonObject { ["version"] = $"v1.34.{day}" } } });
                break;
            case (100, 0):
                await SetVariablesAsync(Replicas("many"));
                break;
            case (101, 0):
                await SetVariablesAsync(Replicas(3));
                break;
            case (150, 0):
                await _fixture.PatchClusterAsync(new JsonObject {
                    ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["capi-registry-hook.io/renew"] = "1" } } });
                break;
            case (200, 0):
                await _fixture.PatchClusterAsync(new JsonObject {
                    ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["capi-registry-hook.io/renew"] = "2" } } });
                _isAway = true;
                break;
            case (203, 0):
                _isAway = false;
                break;
        }
    }

    /// <summary>Whoever waits for the condition compares the generations; the time stays, since the status did.</summary>
    [Fact]
    public async Task Reconcile_ClusterChanged_NamesItsGenerationOnce()
    {
        await _fixture.InstallAsync();
        var before = await ConditionAsync();
        _fixture.Time.Advance(TimeSpan.FromHours(1));
        await _fixture.PatchClusterAsync(
            new JsonObject { ["spec"] = new JsonObject { ["topology"] = new JsonObject { ["version"] = "v1.34.0" } } });

        await _fixture.ReconcileAsync();
        await _fixture.ReconcileAsync();

        var after = await ConditionAsync();
        Assert.Equal(3, _writes);
        Assert.Equal(
            (2, (string?)before!["lastTransitionTime"]), ((long)after!["observedGeneration"]!, (string?)after["lastTransitionTime"]));
    }

    [Fact]
    public async Task Reconcile_ConditionsOfOthers_StayAsTheyAre()
    {
        await _fixture.AddClusterAsync();
        await WriteOthersAsync("True", 1);
        await _fixture.ReconcileAsync();
        await WriteOthersAsync("False", 2);
        await _fixture.ReconcileAsync();
        await WriteOthersAsync("True", 3);
        await SetVariablesAsync([]);
        await _fixture.ReconcileAsync();
        await _fixture.ReconcileAsync();

        var conditions = await ConditionsAsync();
        Assert.Equal(["Available", "TopologyReconciled"], conditions.Select(condition => (string?)condition!["type"]).Order());
        Assert.All(conditions, condition => Assert.Equal("round 3", (string?)condition!["message"]));
    }

    /// <summary>While the add-on provider uninstalls it, the registry is neither there nor gone.</summary>
    [Fact]
    public async Task Reconcile_NoLongerRequested_IsDisabledUntilTheReleaseIsGone()
    {
        await _fixture.InstallAsync();
        await PatchReleaseAsync("c1-registry", new JsonObject {
            ["metadata"] = new JsonObject { ["finalizers"] = new JsonArray("cluster.test/wait") } });
        await SetVariablesAsync([]);

        await _fixture.ReconcileAsync();
        Assert.Equal(("False", "Disabled"), await FindAsync());
        await _fixture.ReconcileAsync();
        Assert.Equal(3, _writes);
        await PatchReleaseAsync("c1-registry", new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = null } });
        await _fixture.ReconcileAsync();
        Assert.Null(await FindAsync());
        await _fixture.ReconcileAsync();

        Assert.Equal(4, _writes);
    }

    [Fact]
    public async Task Reconcile_EditedByOthers_IsRepaired()
    {
        await _fixture.InstallAsync();
        await PatchStatusAsync(new JsonObject { ["conditions"] = new JsonArray() });
        await _fixture.ReconcileAsync();

        Assert.Equal(("True", "Ready"), await FindAsync());
    }

    [Fact]
    public async Task Reconcile_PausedOrDeleted_IsLeftAlone()
    {
        await _fixture.InstallAsync();
        await _fixture.PatchClusterAsync(new JsonObject { ["spec"] = new JsonObject { ["paused"] = true } });
        await _fixture.ReconcileAsync();

        Assert.Equal((("True", "Ready"), 2), (await FindAsync(), _writes));
    }

    [Fact]
    public async Task Reconcile_SwitchedOff_WritesNoneAndTakesThemAwayOnlyIfTold()
    {
        await _fixture.InstallAsync();
        var off = _fixture.NewReplica(_fixture.Options with { ClusterCondition = ClusterConditionMode.Off });
        await SetVariablesAsync(Replicas("many"));
        await _fixture.ReconcileAsync(off);
        Assert.Equal((("True", "Ready"), 2), (await FindAsync(), _writes));

        var remove = _fixture.NewReplica(_fixture.Options with { ClusterCondition = ClusterConditionMode.Remove });
        await _fixture.ReconcileAsync(remove);
        await _fixture.ReconcileAsync(remove);

        Assert.Equal(((ValueTuple<string, string>?)null, 3), (await FindAsync(), _writes));
    }

    [Fact]
    public async Task Reconcile_MayNotWriteIt_SaysSoAndIsReadyAllTheSame()
    {
        _fixture.Management.InjectFault(request => request.Subresource == "status"
            ? CapiRegistryHook.Harness.Embedded.Fault.Status(403, "Forbidden") : null);
        await _fixture.AddClusterAsync();
        await _fixture.ReconcileAsync();

        var result = await _fixture.ReconcileAsync();

        Assert.Equal(ClusterPhase.Ready, result.Phase);
        Assert.Contains("clusters.cluster.x-k8s.io team-a/c1", result.ConditionProblem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5, "True", "CertificateRolling")]
    [InlineData(60, "False", "CertificateNotServed")]
    public async Task Reconcile_PodsFollowARenewal_IsTrueForAsLongAsThatTakes(int minutes, string status, string reason)
    {
        await _fixture.InstallAsync();
        await _fixture.PatchClusterAsync(new JsonObject {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["capi-registry-hook.io/renew"] = "1" } } });
        _fixture.Served = new ServedResult.Waiting("The pods roll.");
        await _fixture.ReconcileAsync();
        _fixture.Time.Advance(TimeSpan.FromMinutes(minutes));
        await _fixture.ReconcileAsync();

        Assert.Equal((status, reason), await FindAsync());
    }

    [Fact]
    public async Task Reconcile_WrongVariableAndUnreachable_SaysWhich()
    {
        await _fixture.InstallAsync();
        await SetVariablesAsync(Replicas("many"));
        await _fixture.ReconcileAsync();
        Assert.Equal(("False", "InvalidVariable"), await FindAsync());

        await SetVariablesAsync(Replicas(3));
        _fixture.Workload.InjectFault(_ => CapiRegistryHook.Harness.Embedded.Fault.DropBefore());
        await _fixture.ReconcileAsync();
        Assert.Equal(("Unknown", "Unreachable"), await FindAsync());
    }

    private async Task<JsonArray> ConditionsAsync() =>
        (await _fixture.Objects.FindAsync(AdminClient.Clusters("team-a"), "c1", CancellationToken))!["status"]?["conditions"]?.AsArray()
            ?? [];

    private async Task<JsonNode?> ConditionAsync() =>
        (await ConditionsAsync()).SingleOrDefault(condition => (string?)condition!["type"] == "capi-registry-hook.io/RegistryReady");

    private async Task<(string Status, string Reason)?> FindAsync() =>
        await ConditionAsync() is { } condition ? ((string)condition["status"]!, (string)condition["reason"]!) : null;

    /// <summary>As Cluster API patches conditions: the whole list as it was read, with its own entries replaced.</summary>
    private async Task WriteOthersAsync(string status, int round)
    {
        var kept = (await ConditionsAsync()).Where(condition => ((string)condition!["type"]!).Contains('/', StringComparison.Ordinal));
        await PatchStatusAsync(new JsonObject
        {
            ["conditions"] = new JsonArray(
            [
                .. kept.Select(condition => condition!.DeepClone()),
                .. new[] { "Available", "TopologyReconciled" }.Select(type => new JsonObject
                {
                    ["type"] = type, ["status"] = status, ["reason"] = "Test", ["message"] = $"round {round}",
                    ["lastTransitionTime"] = "2026-01-01T00:00:00Z",
                }),
            ]),
        });
    }

    private Task<JsonObject> PatchStatusAsync(JsonObject status) => _fixture.Objects.MergePatchAsync(
        AdminClient.Clusters("team-a"), "c1/status", new JsonObject { ["status"] = status }, CancellationToken);

    private Task<JsonObject> PatchReleaseAsync(string name, JsonObject patch) =>
        _fixture.Objects.MergePatchAsync(ReconcilerFixture.Releases, name, patch, CancellationToken);

    private static JsonArray Replicas(JsonNode replicas) => new(new JsonObject
    {
        ["name"] = "clusterConfig",
        ["value"] = new JsonObject { ["addons"] = new JsonObject { ["registry"] = new JsonObject { ["replicas"] = replicas } } },
    });

    private Task<JsonObject> SetVariablesAsync(JsonArray variables) => _fixture.PatchClusterAsync(
        new JsonObject { ["spec"] = new JsonObject { ["topology"] = new JsonObject { ["variables"] = variables } } });
}
