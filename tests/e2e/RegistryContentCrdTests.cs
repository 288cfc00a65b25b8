using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>The definition of RegistryContents on a real API server, as people use it with the real kubectl.</summary>
[Collection(OnApiServers.Name)]
public sealed class RegistryContentCrdTests(RealEnvironment fixture)
{
    private const string Valid = """
        apiVersion: capi-registry-hook.io/v1alpha1
        kind: RegistryContent
        metadata: {name: base, namespace: default}
        spec:
          source: {registry: {host: "registry.example.com:5000", layout: Host, credentialsSecretRef: {name: login}}}
          lock: {content: ["registry.k8s.io/pause:3.10", "docker.io/library/nginx:1.27"]}
          clusterSelector: {matchLabels: {env: prod}, matchExpressions: [{key: tier, operator: In, values: [edge]}]}
          kubernetesVersions: [v1.35, v1.35.2]
          delivery: Pull
          windows: [{from: "22:00", to: "05:00", days: [Sat]}]
        """;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Definition_OfTheChart_KeepsWhatIsWrittenAndShowsIt()
    {
        await using var kubectl =
            await KubectlProgram.ForAsync((await fixture.EmptyAsync(CancellationToken)).Management, CancellationToken);
        var created = await kubectl.TryAsync(Valid, CancellationToken, "create", "--filename=-", "--output=json");
        var fresh = await kubectl.RunAsync(CancellationToken, "get", "regc", "base");

        await kubectl.RunAsync(CancellationToken, "patch", "regc", "base", "--subresource=status", "--type=merge", "--patch",
            """
            {"status": {"clusters": {"matched": 3, "complete": 2, "failing": 1}, "conditions": [{"type": "Ready", "status": "False",
            "reason": "ClustersFailing", "message": "1 Cluster fails.", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}
            """);
        var known = await kubectl.RunAsync(CancellationToken, "get", "registrycontents");
        await kubectl.RunAsync(CancellationToken, "wait", "--for=condition=Ready=false", "--timeout=20s", "registrycontent/base");
        await kubectl.RunAsync(CancellationToken, "delete", "regc", "base");

        var spec = JsonNode.Parse(created.Output)!["spec"];
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(YamlToJson(Valid))!["spec"], spec), created.Output + created.Errors);
        Assert.Matches(@"^NAME +READY +REASON +MATCHED +COMPLETE +FAILING +LAST SYNC +AGE\nbase +", fresh);
        Assert.Matches(@"base +False +ClustersFailing +3 +2 +1 +", known);
    }

    [Theory]
    [InlineData("layout: Host", "layout: Flat")]
    [InlineData("registry.example.com:5000", "https://registry.example.com")]
    [InlineData("v1.35.2", "1.35.2")]
    [InlineData("operator: In", "operator: Near")]
    [InlineData("days: [Sat]", "days: [Saturday]")]
    [InlineData("delivery: Pull", "delivery: Fetch")]
    [InlineData("source: {registry: {host: ", "source: {registry: {name: ")]
    public async Task Definition_WrongValue_IsRefused(string from, string to)
    {
        await using var kubectl =
            await KubectlProgram.ForAsync((await fixture.EmptyAsync(CancellationToken)).Management, CancellationToken);

        var run = await kubectl.TryAsync(
            Valid.Replace(from, to, StringComparison.Ordinal), CancellationToken, "create", "--filename=-", "--dry-run=server");

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("spec", run.Errors, StringComparison.Ordinal);
    }

    private static string YamlToJson(string yaml) => Assert.Single(RenderedObjects.Read(yaml)).ToJsonString();
}
