using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>Caches of upstreams, as Helm renders them: instead of the registry, and beside it.</summary>
public sealed class CacheChartTests
{
    private static readonly ChartFolder Chart = ChartFolder.Open("registry");

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>With a memory of layers, a cache serves them cut short after it deleted them (distribution#2367).</summary>
    [Theory]
    [InlineData("pull-through", "registry")]
    [InlineData("caches", "registry-docker-io")]
    [InlineData("caches-empty-dir", "registry-quay-io")]
    public async Task Configuration_OfACache_KeepsNothingInMemory(string name, string cache)
    {
        var storage = Configuration(await RenderAsync(name), cache)["storage"]!.AsObject();

        Assert.False(storage.ContainsKey("cache"));
        Assert.True((bool)storage["delete"]!["enabled"]!);
    }

    [Fact]
    public async Task Upstreams_EachOne_HasAnInstanceOfItsOwnAndTheRegistryStays()
    {
        var objects = await RenderAsync("caches");

        Assert.Equal("""{"remoteurl":"https://registry-1.docker.io","ttl":"72h"}""", Configuration(objects,
            "registry-docker-io")["proxy"]!.ToJsonString());
        Assert.Equal("""{"remoteurl":"https://ghcr.io"}""", Configuration(objects, "registry-ghcr-io")["proxy"]!.ToJsonString());
        Assert.Null(Configuration(objects, "registry")["proxy"]);
        Assert.Equal("100Gi", Size(objects, "registry-docker-io"));
        Assert.Equal("40Gi", Size(objects, "registry-ghcr-io"));
        Assert.Equal(["REGISTRY_PROXY_USERNAME=docker-hub/username", "REGISTRY_PROXY_PASSWORD=docker-hub/token"], Secrets(objects,
            "registry-docker-io"));
        Assert.Empty(Secrets(objects, "registry-ghcr-io"));
    }

    /// <summary>One address and one certificate for all: the pull Service finds a cache's pods by a port that only they have.</summary>
    [Fact]
    public async Task PullService_EachPort_LeadsToOneKindOfPods()
    {
        var objects = await RenderAsync("caches");
        var service = objects.One("Service", "registry")["spec"]!;
        var pods = objects.PodTemplates().Where(pod => Matches(pod, service["selector"]!.AsObject())).ToArray();

        Assert.Equal(3, pods.Length);
        Assert.Equal([443L, 5001L, 5002L], service["ports"]!.AsArray().Select(port => (long)port!["port"]!));
        foreach (var port in service["ports"]!.AsArray())
            Assert.Single(pods, pod => pod.Containers().Any(container => HasPort(container, (string)port!["targetPort"]!)));
    }

    /// <summary>What belongs to the registry does not lead to a cache, and the other way round.</summary>
    [Fact]
    public async Task Selectors_OfTheRegistryAndItsCaches_AreApart()
    {
        var objects = await RenderAsync("caches");
        var caches = objects.PodTemplates().Where(pod =>
            (string)pod["metadata"]!["labels"]!["app.kubernetes.io/component"]! == "cache").ToArray();

        foreach (var name in (string[])["registry-primary", "registry-headless"])
            Assert.DoesNotContain(caches, pod => Matches(pod, objects.One("Service", name)["spec"]!["selector"]!.AsObject()));
        foreach (var set in objects.Where(entry => entry.Kind() is "StatefulSet" or "PodDisruptionBudget"))
            Assert.Single(objects.PodTemplates(), pod => Matches(pod, set["spec"]!["selector"]!["matchLabels"]!.AsObject()));
    }

    [Fact]
    public async Task NetworkPolicy_OfTheRegistry_CoversItsCaches()
    {
        var policy = (await RenderAsync("caches")).One("NetworkPolicy", "registry")["spec"]!;

        Assert.Equal("""["registry","cache"]""", policy["podSelector"]!["matchExpressions"]![0]!["values"]!.ToJsonString());
        // A cache's port has another name, so the rule has to say the number.
        Assert.Equal(5000, (long)policy["ingress"]![0]!["ports"]![0]!["port"]!);
    }

    private static async Task<IReadOnlyList<JsonObject>> RenderAsync(string name) =>
        await new HelmProgram("helm3").ObjectsAsync(Chart.Path, CancellationToken, "--values", Chart.File($"ci/{name}-values.yaml"),
            "--kube-version", "1.31.0");

    private static JsonObject Configuration(IReadOnlyList<JsonObject> objects, string name) =>
        Assert.Single(RenderedObjects.Read((string)objects.One("ConfigMap", name)["data"]!["config.yml"]!));

    private static string Size(IReadOnlyList<JsonObject> objects, string name) =>
        (string)objects.One("StatefulSet", name)["spec"]!["volumeClaimTemplates"]![0]!["spec"]!["resources"]!["requests"]!["storage"]!;

    private static IEnumerable<string> Secrets(IReadOnlyList<JsonObject> objects, string name) =>
        from variable in objects.One("StatefulSet", name)["spec"]!["template"]!["spec"]!["containers"]![0]!["env"]!.AsArray()
        let secret = variable["valueFrom"]?["secretKeyRef"]
        where secret is not null
        select $"{variable["name"]}={secret["name"]}/{secret["key"]}";

    private static bool Matches(JsonObject pod, JsonObject selector)
    {
        var labels = pod["metadata"]!["labels"]!.AsObject();
        return selector.All(wanted => (string?)labels[wanted.Key] == (string)wanted.Value!);
    }

    private static bool HasPort(JsonObject container, string name) =>
        (container["ports"] as JsonArray ?? []).Any(port => (string)port!["name"]! == name);
}
