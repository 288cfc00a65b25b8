using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>Prometheus' own program evaluates the rules of the registry's chart over series that tests make up.</summary>
public sealed class RegistryAlertRuleTests
{
    private const string Pod = """namespace="registry-system",pod="registry-0" """;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Errors_MoreThanThePercentage_Fires() => await TestAsync(
        [
            Series("registry_http_requests_total", "0+95x60", """code="200",handler="manifest",method="get" """),
            Series("registry_http_requests_total", "0+5x20 100+15x40", """code="500",handler="blob",method="get" """),
        ],
        Alert("RegistryErrors", "20m"),
        Alert("RegistryErrors", "55m", "pod", "registry-0",
            "The registry replica registry-0 answers 13.64% of all requests with an error of its own; its log has the causes."));

    /// <summary>Distribution answers 405 to every method that writes.</summary>
    [Fact]
    public async Task ReadOnly_PushesAreRefusedForLong_Fires() => await TestAsync(
        [Series("registry_http_requests_total", "0+1x120", """code="405",handler="blob_upload",method="post" """)],
        Alert("RegistryReadOnly", "30m"),
        Alert("RegistryReadOnly", "1h50m", "pod", "registry-0",
            "The registry replica registry-0 refuses pushes: it is read-only. During a garbage collection it should be; "
                + "otherwise its configuration or storage is."));

    [Fact]
    public async Task ReadOnly_OtherMethodsAreRefused_IsSilent() => await TestAsync(
        [Series("registry_http_requests_total", "0+1x120", """code="405",handler="base",method="delete" """)],
        Alert("RegistryReadOnly", "1h50m"));

    [Fact]
    public async Task VolumeFilling_OfThisRegistryAlone_Fires() => await TestAsync(
        [
            Volume("capacity", "data-registry-0", "1000x60"), Volume("available", "data-registry-0", "300x10 150x50"),
            Volume("capacity", "data-other-registry-0", "1000x60"), Volume("available", "data-other-registry-0", "1x60"),
        ],
        Alert("RegistryVolumeFilling", "9m"),
        Alert("RegistryVolumeFilling", "50m", "persistentvolumeclaim", "data-registry-0",
            "The volume data-registry-0 of the registry is 85% full. Remove content, or increase storage.size."));

    [Fact]
    public async Task ReplicaBehind_LongerThanTheLag_Fires() => await TestAsync(
        [Series("registry_sync_last_success_timestamp_seconds", "0x60", """service="registry-metrics" """)],
        Alert("RegistryReplicaBehind", "14m"),
        Alert("RegistryReplicaBehind", "30m", "service", "registry-metrics",
            "The registry replica registry-0 was last known to have everything from the primary more than 30m 0s ago."));

    /// <summary>A panel that asks for a metric or a label that no rule knows shows nothing, and nobody notices.</summary>
    [Fact]
    public async Task Dashboard_EachPanel_IsAnExpressionForThisRegistry()
    {
        var map = (await RenderAsync("--set", "metrics.dashboard.enabled=true")).One("ConfigMap", "registry-dashboard");

        Assert.Equal("1", (string?)map["metadata"]!["labels"]!["grafana_dashboard"]);
        var panels = JsonNode.Parse((string)map["data"]!["registry.json"]!)!["panels"]!.AsArray();
        var expressions = panels.SelectMany(panel => panel!["targets"]!.AsArray()).Select(target => (string)target!["expr"]!).ToList();
        Assert.Equal(panels.Count, panels.Select(panel => (int)panel!["id"]!).Distinct().Count());
        Assert.All(expressions, expression => Assert.Contains("namespace=\"registry-system\"", expression, StringComparison.Ordinal));
        var rules = new JsonObject
        {
            ["groups"] = new JsonArray(new JsonObject
            {
                ["name"] = "panels",
                ["rules"] = new JsonArray([.. expressions.Select((expression, index) => new JsonObject
                {
                    ["record"] = $"panel:{index}", ["expr"] = expression,
                })]),
            }),
        };
        await using var folder = ScratchFolder.Create("capi-registry-hook-rules-");
        var run = await ProgramRun.RunAsync(
            await TestTools.PathOfAsync("promtool"), ["check", "rules", folder.Write("rules.yaml", rules.ToJsonString())],
            CancellationToken);
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
    }

    private static async Task TestAsync(JsonObject[] series, params JsonObject[] alerts)
    {
        var rule = (await RenderAsync()).One("PrometheusRule", "registry");
        await using var folder = ScratchFolder.Create("capi-registry-hook-rules-");
        var tests = new JsonObject
        {
            ["rule_files"] = new JsonArray(folder.Write("rules.yaml", rule["spec"]!.ToJsonString())),
            ["evaluation_interval"] = "1m",
            ["tests"] = new JsonArray(new JsonObject
            {
                ["interval"] = "1m", ["input_series"] = new JsonArray([.. series]), ["alert_rule_test"] = new JsonArray([.. alerts]),
            }),
        };
        var run = await ProgramRun.RunAsync(
            await TestTools.PathOfAsync("promtool"), ["test", "rules", folder.Write("tests.yaml", tests.ToJsonString())],
            CancellationToken);
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
    }

    private static Task<IReadOnlyList<JsonObject>> RenderAsync(params string[] more) =>
        new HelmProgram("helm3", "registry", "registry-system").ObjectsAsync(
        ChartFolder.Open("registry").Path, CancellationToken,
        ["--set", "metrics.enabled=true", "--set", "metrics.prometheusRule.enabled=true", .. more]);

    private static JsonObject Series(string metric, string values, string labels) => new()
    {
        ["series"] = $"{metric}{{{Pod},{labels}}}", ["values"] = values,
    };

    private static JsonObject Volume(string metric, string claim, string values) => new()
    {
        ["series"] = $"kubelet_volume_stats_{metric}_bytes{{namespace=\"registry-system\",persistentvolumeclaim=\"{claim}\"}}",
        ["values"] = values,
    };

    private static JsonObject Alert(string name, string after) => new()
    {
        ["eval_time"] = after, ["alertname"] = name, ["exp_alerts"] = new JsonArray(),
    };

    private static JsonObject Alert(string name, string after, string label, string value, string summary)
    {
        var labels = new JsonObject { ["severity"] = "warning", [label] = value };
        // What is not summed up keeps all of its labels.
        if (label != "pod")
            labels["namespace"] = "registry-system";
        if (label == "service")
            labels["pod"] = "registry-0";
        return new JsonObject
        {
            ["eval_time"] = after,
            ["alertname"] = name,
            ["exp_alerts"] = new JsonArray(new JsonObject
            {
                ["exp_labels"] = labels, ["exp_annotations"] = new JsonObject { ["summary"] = summary },
            }),
        };
    }
}
