using System.Globalization;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Demo;

/// <summary>Plays Cluster API against the published service and shows what happened.</summary>
internal sealed class Walkthrough
{
    private const string Version = "1.13.4";

    private readonly TestEnvironment _environment;
    private readonly ClusterApi _capi;
    private readonly TestCluster _cluster;
    private bool _failed;

    private Walkthrough(TestEnvironment environment, ClusterApi capi, TestCluster cluster)
    {
        _environment = environment;
        _capi = capi;
        _cluster = cluster;
    }

    /// <summary>Plays the whole walkthrough; returns the exit code.</summary>
    /// <param name="kind">What the API servers are.</param>
    /// <param name="startServer">Starts one of a name.</param>
    /// <param name="cancellationToken">Ends the walkthrough.</param>
    public static async Task<int> RunAsync(
        string kind, Func<string, CancellationToken, Task<IApiServer>> startServer, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        Title($"Two Kubernetes API servers ({kind}), over TLS on loopback");
        await using var environment = await TestEnvironment.StartAsync(name => startServer(name, cancellationToken), cancellationToken);
        Line($"management cluster  {environment.Management.Address}");
        Line($"workload cluster    {environment.Workload.Address}");

        Title("The published service, as a process of its own");
        var serviceStarted = TimeProvider.System.GetTimestamp();
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], cancellationToken);
        using var capi = service.CreateClusterApi();
        var discovery = await capi.DiscoverAsync(Version, cancellationToken);
        Line($"listens on {service.Address}, first discovery answer after "
            + $"{Milliseconds(TimeProvider.System.GetElapsedTime(serviceStarted))}");
        foreach (var handler in discovery.Json["handlers"]!.AsArray())
            Line($"  handler {handler!["name"]} for {handler["requestHook"]!["hook"]}, timeout {handler["timeoutSeconds"]} s");

        Title("A user creates Cluster default/demo with  addons: {registry: {}}");
        var cluster = await environment.CreateClusterAsync("demo", cancellationToken);
        var walkthrough = new Walkthrough(environment, capi, cluster);
        await walkthrough.PlayAsync(cancellationToken);
        await walkthrough.ShowChartAsync(service, cancellationToken);

        Title($"Done in {TimeProvider.System.GetElapsedTime(started).TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)} s");
        Line(walkthrough._failed ? "Something did not go as it should; see above."
            : "One variable, and the cluster has a registry certificate, trust for its nodes, and a chart to install.\n"
                + "   What nodes get: artifacts/publish/capi-registry-hook plan -f docs/examples/cluster.yaml");
        return walkthrough._failed ? 1 : 0;
    }

    private async Task PlayAsync(CancellationToken cancellationToken)
    {
        Title("Cluster API calls BeforeClusterCreate: may I create this cluster?");
        await CallTwiceAsync("BeforeClusterCreate", cancellationToken);

        Title("The control plane answers; Cluster API calls AfterControlPlaneInitialized");
        await _environment.GiveKubeconfigAsync(_cluster, cancellationToken);
        await CallTwiceAsync("AfterControlPlaneInitialized", cancellationToken);

        Title("The user asks for Kubernetes v1.34.0; Cluster API calls BeforeClusterUpgrade");
        await CallTwiceAsync("BeforeClusterUpgrade", cancellationToken);

        Title("The values that the registry chart gets");
        var proxy = await _environment.ManagementObjects.GetAsync(AdminClient.ChartProxies("default"), "demo-registry", cancellationToken);
        foreach (var line in ((string)proxy["spec"]!["valuesTemplate"]!).TrimEnd().Split('\n'))
            Line("  " + line);
    }

    /// <summary>What the add-on provider for Helm fetches: the service serves the chart that the HelmChartProxy names.</summary>
    private async Task ShowChartAsync(HookService service, CancellationToken cancellationToken)
    {
        Title("The service serves that chart itself, as an OCI registry");
        using var http = service.CreateHttpClient();
        var proxy = await _environment.ManagementObjects.GetAsync(AdminClient.ChartProxies("default"), "demo-registry", cancellationToken);
        Line($"the HelmChartProxy asks for {proxy["spec"]!["repoURL"]}/{proxy["spec"]!["chartName"]}, version {proxy["spec"]!["version"]}");
        using var answer =
            await http.GetAsync($"/v2/charts/{proxy["spec"]!["chartName"]}/manifests/{proxy["spec"]!["version"]}", cancellationToken);
        var manifest = JsonNode.Parse(await answer.Content.ReadAsStringAsync(cancellationToken))!;
        _failed |= !answer.IsSuccessStatusCode;
        Line(answer.IsSuccessStatusCode
            ? $"and gets {manifest["layers"]![0]!["digest"]}, {manifest["layers"]![0]!["size"]} bytes"
            : $"and gets {(int)answer.StatusCode}  <- {manifest.ToJsonString()}");
    }

    private async Task CallTwiceAsync(string hook, CancellationToken cancellationToken)
    {
        var before = await Inventory.ReadAsync(_environment, _cluster, cancellationToken);
        var first = await _capi.CallAsync(Version, hook, _cluster, cancellationToken);
        var between = await Inventory.ReadAsync(_environment, _cluster, cancellationToken);
        ShowAnswer("1st call", first);
        Show(between.ChangesSince(before));

        var second = await _capi.CallAsync(Version, hook, _cluster, cancellationToken);
        var after = await Inventory.ReadAsync(_environment, _cluster, cancellationToken);
        ShowAnswer("2nd call", second);
        Show(after.ChangesSince(between));
        _failed |= between.ChangesSince(before).Count == 0 || after.ChangesSince(between).Count > 0;
    }

    private void ShowAnswer(string call, HookAnswer answer)
    {
        var passed = answer.StatusCode == 200 && answer.Status == "Success" && answer.RetryAfterSeconds is null or 0;
        _failed |= !passed;
        Line($"{call}: {answer.Status} in {Milliseconds(answer.Took)}{(passed ? "" : $"  <- {answer.Text}")}");
    }

    private static void Show(IReadOnlyList<string> changes)
    {
        if (changes.Count == 0)
            Line("  changed nothing");
        foreach (var change in changes)
            Line("  " + change);
    }

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("F0", CultureInfo.InvariantCulture) + " ms";

    private static void Title(string text) => Console.WriteLine($"\n== {text}");

    private static void Line(string text) => Console.WriteLine("   " + text);
}
