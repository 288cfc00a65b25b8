using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>Prometheus' own program evaluates the rules of the chart over series that tests make up.</summary>
public sealed class AlertRuleTests
{
    private const string Volume =
        """job="capi-registry-hook",namespace="capi-registry-hook-system",cluster_namespace="team-a",cluster="c1",pod="registry-0" """;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task VolumeFilling_FiresAtThePercentage() => await TestAsync(
        [
            Series("registry_volume_capacity_bytes", "1000x20"), Series("registry_volume_used_bytes", "790x8 800x11"),
            Series("registry_volume_inodes", "0x20"), Series("registry_volume_inodes_used", "0x20"),
        ],
        Alert("CapiRegistryHookVolumeFilling", "40m"),
        Alert("CapiRegistryHookVolumeFilling", "1h30m",
            "The volume of registry-0 of the registry of team-a/c1 is 80% full. Remove content, or increase storage.size."));

    [Fact]
    public async Task VolumeFilling_InodesRunOut_Fires() => await TestAsync(
        [
            Series("registry_volume_capacity_bytes", "1000x20"), Series("registry_volume_used_bytes", "10x20"),
            Series("registry_volume_inodes", "100x20"), Series("registry_volume_inodes_used", "95x20"),
        ],
        Alert("CapiRegistryHookVolumeFilling", "30m",
            "The volume of registry-0 of the registry of team-a/c1 is 95% full. Remove content, or increase storage.size."));

    /// <summary>10 bytes in each 5 minutes are 2880 a day; after two days 39 240 are left.</summary>
    [Fact]
    public async Task VolumeFullSoon_FiresByItsTrendLongBeforeItIsFull() => await TestAsync(
        [
            Series("registry_volume_capacity_bytes", "45000x900"), Series("registry_volume_used_bytes", "0+10x900"),
            Series("registry_volume_inodes", "0x900"), Series("registry_volume_inodes_used", "0x900"),
        ],
        Alert("CapiRegistryHookVolumeFullSoon", "12h"),
        Alert("CapiRegistryHookVolumeFullSoon", "48h",
            "The volume of registry-0 of the registry of team-a/c1 is full in 13.62 days if it fills as in the last two. "
                + "Remove content, or increase storage.size."),
        Alert("CapiRegistryHookVolumeFilling", "48h"));

    [Fact]
    public async Task VolumeFullSoon_NothingGrows_IsSilent() => await TestAsync(
        [
            Series("registry_volume_capacity_bytes", "1000x600"), Series("registry_volume_used_bytes", "700-1x600"),
            Series("registry_volume_inodes", "0x600"), Series("registry_volume_inodes_used", "0x600"),
        ],
        Alert("CapiRegistryHookVolumeFullSoon", "40h"));

    /// <summary>The leader changes once a day: the series of each replica is short, and their trend is one.</summary>
    [Fact]
    public async Task VolumeFullSoon_LeaderChanges_StillFires() => await TestAsync(
        [
            Series("registry_volume_capacity_bytes", "45000x300", "a"), Series("registry_volume_used_bytes", "0+10x300", "a"),
            Series("registry_volume_capacity_bytes", "_x300 45000x300", "b"),
            Series("registry_volume_used_bytes", "_x300 3010+10x300", "b"),
        ],
        Alert("CapiRegistryHookVolumeFullSoon", "46h",
            "The volume of registry-0 of the registry of team-a/c1 is full in 13.67 days if it fills as in the last two. "
                + "Remove content, or increase storage.size."));

    /// <summary>
    /// No leader is known while the replicas change; none for ten minutes is an alert, whether a page says so or none is there.
    /// </summary>
    [Theory]
    [InlineData("1x3 0x20")]
    [InlineData("1x3 stale")]
    public async Task SyncDown_NoReplicaLeads_Fires(string values) => await TestSyncAsync(
        [SyncSeries("sync_leader", "", values, "a"), SyncSeries("sync_leader", "", "0x3 stale", "b")],
        SyncAlert("SyncDown", "15m"),
        SyncAlert("SyncDown", "35m", [], "No replica of the syncer works; registries no longer follow their RegistryContents."));

    [Fact]
    public async Task SyncDown_LeaderChanges_IsSilent() => await TestSyncAsync(
        [SyncSeries("sync_leader", "", "1x3 0x20", "a"), SyncSeries("sync_leader", "", "0x4 1x20", "b")],
        SyncAlert("SyncDown", "20m"), SyncAlert("SyncDown", "1h30m"));

    /// <summary>A source that answers now and then is no alert for its content, and another one's is none for it.</summary>
    [Fact]
    public async Task SyncSourceUnavailable_ForHalfAnHour_FiresForThatContent() => await TestSyncAsync(
        [
            SyncSeries("sync_source_ready", Content("gone"), "1x1 0x20"),
            SyncSeries("sync_source_ready", Content("flaps"), "1 0 0 0 1 0 0 0 1 0"),
            SyncSeries("sync_source_ready", Content("well"), "1x20"),
        ],
        SyncAlert("SyncSourceUnavailable", "35m"),
        SyncAlert("SyncSourceUnavailable", "45m", [("content_namespace", "team-a"), ("content", "gone")],
            "The source of the RegistryContent team-a/gone can't be used; its condition SourceReady says why."));

    [Fact]
    public async Task SyncClustersFailing_ForAnHour_FiresWithTheirNumber() => await TestSyncAsync(
        [
            SyncSeries("sync_clusters", $"{Content("base")},state=\"failing\"", "0x1 3x20"),
            SyncSeries("sync_clusters", $"{Content("base")},state=\"incomplete\"", "9x20"),
            SyncSeries("sync_clusters", $"{Content("well")},state=\"incomplete\"", "9x20"),
            SyncSeries("sync_clusters", $"{Content("well")},state=\"failing\"", "0x20"),
        ],
        SyncAlert("SyncClustersFailing", "1h5m"),
        SyncAlert("SyncClustersFailing", "1h15m", [("content_namespace", "team-a"), ("content", "base")],
            "3 registries can't be brought in sync with the RegistryContent team-a/base; its status names the first."));

    private static string Content(string name) => $"content_namespace=\"team-a\",content=\"{name}\"";

    private static JsonObject SyncSeries(string metric, string labels, string values, string replica = "a") => new()
    {
        ["series"] = $"capi_registry_hook_{metric}{{job=\"capi-registry-hook-sync\",namespace=\"capi-registry-hook-system\","
            + $"instance=\"{replica}\"{(labels.Length > 0 ? "," : "")}{labels}}}",
        ["values"] = values,
    };

    private static JsonObject SyncAlert(string name, string after, (string Name, string Value)[]? labels = null, string? summary = null) =>
        new()
    {
        ["eval_time"] = after,
        ["alertname"] = $"CapiRegistryHook{name}",
        ["exp_alerts"] = summary is null ? [] : new JsonArray(new JsonObject
        {
            ["exp_labels"] = new JsonObject(labels!.Append(("severity", "warning")).Select(label =>
                KeyValuePair.Create<string, JsonNode?>(label.Item1, label.Item2))),
            ["exp_annotations"] = new JsonObject { ["summary"] = summary },
        }),
    };

    private static Task TestSyncAsync(JsonObject[] series, params JsonObject[] alerts) =>
        TestAsync($"{HookChart.Release}-sync", series, alerts);

    private static Task TestAsync(JsonObject[] series, params JsonObject[] alerts) => TestAsync(HookChart.Release, series, alerts);

    private static async Task TestAsync(string rule, JsonObject[] series, JsonObject[] alerts)
    {
        var objects = await HookChart.RenderAsync(
            CancellationToken, "--set", "metrics.prometheusRule.enabled=true", "--set", "sync.enabled=true");
        await using var folder = ScratchFolder.Create("capi-registry-hook-rules-");
        var rules = folder["rules.yaml"];
        await File.WriteAllTextAsync(
            rules, objects.One("PrometheusRule", rule)["spec"]!.ToJsonString(), CancellationToken);
        var tests = new JsonObject
        {
            ["rule_files"] = new JsonArray(rules),
            ["evaluation_interval"] = "5m",
            ["tests"] = new JsonArray(new JsonObject
            {
                ["interval"] = "5m", ["input_series"] = new JsonArray([.. series]), ["alert_rule_test"] = new JsonArray([.. alerts]),
            }),
        };
        var file = folder["tests.yaml"];
        await File.WriteAllTextAsync(file, tests.ToJsonString(), CancellationToken);
        var run = await ProgramRun.RunAsync(await TestTools.PathOfAsync("promtool"), ["test", "rules", file], CancellationToken);
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
    }

    private static JsonObject Series(string metric, string values, string replica = "a") => new()
    {
        ["series"] = $"capi_registry_hook_{metric}{{{Volume},instance=\"{replica}\"}}", ["values"] = values,
    };

    private static JsonObject Alert(string name, string after, params string[] summaries) => new()
    {
        ["eval_time"] = after,
        ["alertname"] = name,
        ["exp_alerts"] = new JsonArray([.. summaries.Select(summary => new JsonObject
        {
            ["exp_labels"] = new JsonObject
            {
                ["severity"] = "warning", ["cluster_namespace"] = "team-a", ["cluster"] = "c1", ["pod"] = "registry-0",
            },
            ["exp_annotations"] = new JsonObject { ["summary"] = summary },
        })]),
    };
}
