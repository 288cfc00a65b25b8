using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>
/// From nothing to running pods with the published program and the management kubeconfig alone: a bundle, a push, and charts that Helm 3
/// and 4 deploy, on a real cluster whose node pulls by tag and by digest.
/// </summary>
[Collection(OnOneNode.Name)]
public sealed class DeployTests(SharedCluster shared, ITestOutputHelper output)
{
    private const string Image = "docker.io/library/hello:1";
    private const string Namespace = "deploy-test";
    private const string Cluster = "default/c1";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task BundleAndPush_ThenDeploy_RunsPodsByTagAndDigest()
    {
        var clock = new PhaseClock(output);
        await using var lifecycle = await ClusterLifecycle.StartAsync(shared, Values(), CancellationToken);
        await lifecycle.DiscoverAsync(CancellationToken);
        await lifecycle.CreateClusterAsync(CancellationToken);
        await lifecycle.FurnishNodeAsync(CancellationToken);
        await lifecycle.InitializeControlPlaneAsync(CancellationToken);
        await lifecycle.InstallChartAsync(CancellationToken);
        await lifecycle.Workload.WaitForAddressAsync(CancellationToken);
        clock.Done("a cluster with an empty registry");

        await using var folder = ScratchFolder.Create("capi-registry-hook-deploy-");
        folder.Write("kubeconfig", lifecycle.ManagementKubeconfig);
        await WriteContentAsync(folder);
        var helm3 = await TestTools.PathOfAsync("helm3");
        Assert.Contains("1 image, 1 chart", await RunAsync(folder,
            "bundle", "create", "-f", folder["content.yaml"], "-o", folder["site.tar"], "--helm", helm3), StringComparison.Ordinal);
        await RunAsync(folder, ["push", folder["site.tar"], .. Access(folder), "--wait"]);
        clock.Done("bundle create, push --wait");

        await using var own = await ClusterNamespace.CreateAsync(lifecycle.Workload.Cluster, Namespace, CancellationToken);
        foreach (var helm in new[] { "helm3", "helm4" })
        {
            foreach (var rewrite in new[] { false, true })
            {
                await DeployAsync(lifecycle, folder, helm, rewrite);
                clock.Done($"deploy with {helm}{(rewrite ? ", rewritten" : "")}");
            }
        }

        await AssertRefusedAsync(folder, helm3);
        await AssertRewritesAsync(folder);
    }

    private static async Task DeployAsync(ClusterLifecycle lifecycle, ScratchFolder folder, string helm, bool rewrite)
    {
        var release = $"{helm}-{(rewrite ? "rewritten" : "plain")}";
        await lifecycle.Workload.Cluster.Node.RemoveImageAsync(Image, CancellationToken);
        string[] arguments = ["deploy", "charts/hello", .. Access(folder), "--namespace", Namespace, "--release", release, "--wait",
            "--timeout", "2m", "--helm", await TestTools.PathOfAsync(helm), "-f", folder["values.yaml"],
            .. rewrite ? ["--rewrite"] : Array.Empty<string>()];
        await RunAsync(folder, arguments);

        var pods = await lifecycle.Workload.Kubectl.RunAsync(CancellationToken, "--namespace", Namespace, "get", "pods",
            $"--selector=release={release}",
            "--output=jsonpath={range .items[*]}{.spec.containers[0].image} {.status.phase}{\"\\n\"}{end}");
        var digest = await DigestAsync(folder);
        string[] images = rewrite ? [$"10.96.0.20/library/hello@{digest}", $"10.96.0.20/library/hello@{digest}"]
            : [Image, $"docker.io/library/hello@{digest}"];
        Assert.Equal(images.Select(image => $"{image} Running").Order(StringComparer.Ordinal),
            pods.OutputOfSuccess().Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    private static async Task AssertRefusedAsync(ScratchFolder folder, string helm)
    {
        folder.Write("missing.yaml", "image: ghcr.io/nobody/nothing:2\n");
        var run =
            await ProgramRun.RunAsync(HookService.ProgramPath(), ["deploy", "charts/hello", .. Access(folder), "--namespace", Namespace,
            "--release", "refused", "--helm", helm, "-f", folder["values.yaml"], "-f", folder["missing.yaml"]], CancellationToken);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("ghcr.io/nobody/nothing:2 is not in the registry: nobody/nothing in the registry has no 2 "
            + "(Deployment deploy-test/refused-tag: spec.template.spec.containers[0].image", run.Errors, StringComparison.Ordinal);
        Assert.Contains("nothing was deployed", run.Errors, StringComparison.Ordinal);
    }

    private static async Task AssertRewritesAsync(ScratchFolder folder)
    {
        var run = await ProgramRun.RunAsync(HookService.ProgramPath(),
            ["rewrite", .. Access(folder), "--path", "Widget:spec.parts[*].image"], CancellationToken, """
            kind: Pod
            spec: { containers: [{ image: hello:1 }], initContainers: [{ image: "quay.io/else/where:1" }] }
            ---
            kind: Widget
            spec: { parts: [{ image: docker.io/library/hello:1 }] }

            """);

        var image = $"10.96.0.20/library/hello@{await DigestAsync(folder)}";
        Assert.Equal($$"""
            kind: Pod
            spec: { containers: [{ image: {{image}} }], initContainers: [{ image: "quay.io/else/where:1" }] }
            ---
            kind: Widget
            spec: { parts: [{ image: {{image}} }] }

            """, run.Output);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("quay.io/else/where:1 stays as it is", run.Errors, StringComparison.Ordinal);
    }

    private static async Task WriteContentAsync(ScratchFolder folder)
    {
        folder.Write("policy.json", """{"default":[{"type":"insecureAcceptAnything"}]}""");
        var archive = await LocalImages.ArchiveAsync(TestImage.Busybox, CancellationToken);
        (await OutsideCommand.RunAsync(await TestTools.PathOfAsync("skopeo"),
            ["--policy", folder["policy.json"], "copy", $"docker-archive:{archive}", $"oci:{folder["layout"]}:{Image}"],
            CancellationToken)).OutputOfSuccess();
        var index = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder["layout"], "index.json"), CancellationToken))!;
        folder.Write("values.yaml", $"digest: {index["manifests"]![0]!["digest"]}\n");
        Directory.CreateDirectory(folder["chart/templates"]);
        folder.Write("chart/Chart.yaml", "apiVersion: v2\nname: hello\nversion: 1.0.0\n");
        folder.Write("chart/values.yaml", $"image: {Image}\ndigest: \"\"\n");
        folder.Write("chart/templates/tag.yaml", Deployment("tag", "{{ .Values.image }}"));
        folder.Write("chart/templates/digest.yaml", Deployment("digest", "docker.io/library/hello@{{ .Values.digest }}"));
        folder.Write("content.yaml", "archives: [layout]\ncharts: [{ chart: chart, values: [values.yaml] }]\n");
    }

    private static string Deployment(string name, string image) => $$$"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: "{{ .Release.Name }}-{{{name}}}", namespace: "{{ .Release.Namespace }}" }
        spec:
          selector: { matchLabels: { app: "{{ .Release.Name }}-{{{name}}}" } }
          template:
            metadata: { labels: { app: "{{ .Release.Name }}-{{{name}}}", release: "{{ .Release.Name }}" } }
            spec:
              terminationGracePeriodSeconds: 0
              containers:
                - { name: main, image: "{{{image}}}", imagePullPolicy: Always, command: [sleep, "3600"] }
        """;

    private static async Task<string> DigestAsync(ScratchFolder folder) =>
        (await File.ReadAllTextAsync(folder["values.yaml"], CancellationToken)).Trim()["digest: ".Length..];

    private static string[] Access(ScratchFolder folder) =>
        ["--cluster", Cluster, "--kubeconfig", folder["kubeconfig"], "--workload-allow-cidrs", "127.0.0.0/8"];

    private static async Task<string> RunAsync(ScratchFolder folder, params string[] arguments)
    {
        var run = await ProgramRun.RunAsync(HookService.ProgramPath(), arguments, CancellationToken,
            environment: new Dictionary<string, string?>
            {
                ["DOCKER_CONFIG"] = folder.Path, ["HELM_CACHE_HOME"] = folder["cache"], ["HELM_CONFIG_HOME"] = folder["config"],
                ["HELM_DATA_HOME"] = folder["data"],
            });
        Assert.True(run.ExitCode == 0, $"{string.Join(' ', arguments)}\n{run.Errors}{run.Output}");
        return run.Output;
    }

    private static JsonObject Values() => new()
    {
        ["sync"] = new JsonObject { ["interval"] = "1s" },
        ["storage"] = new JsonObject { ["size"] = "100Mi" },
        ["probes"] = new JsonObject { ["readiness"] = new JsonObject { ["periodSeconds"] = 1 } },
    };
}
