using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Hooks.Contract;

namespace CapiRegistryHook.Unit.Tests.Hooks.Topology;

/// <summary>What holds for every request there is, tried on many that a seed makes.</summary>
public sealed class TopologyPropertyTests
{
    private const string Hook = "generatepatches";
    private const int Seeds = 1000;

    [Fact]
    public void Answer_AnyTopology_OnlyAddsWhatIsOurs()
    {
        var patched = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var request = new RandomTopology(seed).Request();
            var response = JsonNode.Parse(TopologyCall.Answer(Hook, request.ToJsonString()))!;
            Assert.True((string?)response["status"] is "Success" or "Failure");
            Assert.Equal((string?)response["status"] == "Success", (string?)response["message"] == "");
            foreach (var item in response["items"]!.AsArray())
            {
                patched++;
                var template = request["items"]!.AsArray().Single(other => (string?)other!["uid"] == (string?)item!["uid"])!["object"]!;
                AssertOnlyAdds(template, JsonNode.Parse(Convert.FromBase64String((string)item!["patch"]!))!.AsArray(), seed);
            }
        }

        Assert.True(patched > Seeds / 4, $"{patched} patches of {Seeds} requests");
    }

    [Fact]
    public void Answer_AnyTopology_IsDeterministicAndIdempotent()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var request = new RandomTopology(seed).Request().ToJsonString();
            var response = TopologyCall.Answer(Hook, request);

            Assert.Equal(response, TopologyCall.Answer(Hook, request));
            var second = TopologyCall.Answer(Hook, TopologyCall.Patched(request, response).ToJsonString());
            Assert.True(JsonNode.Parse(second)!["items"]!.AsArray().Count == 0, $"seed {seed}: {second}");
        }
    }

    [Fact]
    public void Answer_AnyBytes_IsAnAnswerOrARefusal()
    {
        var refused = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            var bytes = Damage(Encoding.UTF8.GetBytes(new RandomTopology(seed).Request().ToJsonString()), random);
            using var response = new PooledBytes();
            try
            {
                TopologyCall.Handler(Hook).Answer(bytes, response);
                using var _ = JsonDocument.Parse(response.Written);
            }
            catch (HookRequestException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 1, Seeds - 1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"apiVersion":"API"}""")]
    [InlineData("""{"apiVersion":"API","kind":"ValidateTopologyRequest"}""")]
    [InlineData("""{"apiVersion":"API2","kind":"KIND"}""")]
    [InlineData("""{"apiVersion":"API","kind":"KIND"} {}""")]
    [InlineData("""{"apiVersion":"API","kind":"KIND","kind":"KIND"}""")]
    [InlineData("""{"apiVersion":"API","kind":"KIND","items":{}}""")]
    [InlineData("""{"apiVersion":"API","kind":"KIND","items":[1]}""")]
    [InlineData("""{"apiVersion":"API","kind":"KIND","variables":[1]}""")]
    [InlineData("""{"apiVersion":"API","kind":"KIND","items":[{"uid":"a","uid":"b"}]}""")]
    [InlineData("""{"apiVersion":"API","kind":"KIND","items":[{"object":{"spec":{},"spec":{}}}]}""")]
    [InlineData("""{"apiVersion":"API","kind":"KIND","variables":[{"name":"clusterConfig","value":{"addons":{"registry":{}}}}]}""")]
    [InlineData("""{"apiVersion":"API","kind":"KIND","settings":"\uD800"}""")]
    public void Answer_AnythingButTheContract_IsRefused(string body)
    {
        var request = body.Replace("API", "hooks.runtime.cluster.x-k8s.io/v1alpha1", StringComparison.Ordinal)
            .Replace("KIND", "GeneratePatchesRequest", StringComparison.Ordinal);
        Assert.Throws<HookRequestException>(() => TopologyCall.Answer(Hook, request));
    }

    [Fact]
    public void Answer_NestedTooDeeply_IsRefused()
    {
        var deep = new string('[', 5000) + new string(']', 5000);
        Assert.Throws<HookRequestException>(() => TopologyCall.Answer(
            Hook, $$"""{"apiVersion":"hooks.runtime.cluster.x-k8s.io/v1alpha1","kind":"GeneratePatchesRequest","items":[{"object":{{deep}}}]}"""));
    }

    [Fact]
    public void Answer_InvalidUtf8_IsRefused()
    {
        using var response = new PooledBytes();
        byte[] body = [
            .. """{"apiVersion":"hooks.runtime.cluster.x-k8s.io/v1alpha1","kind":"GeneratePatchesRequest","settings":{"a":" """u8, 0xC3,
                0x28, .. "\"}}"u8];
        Assert.Throws<HookRequestException>(() => TopologyCall.Handler(Hook).Answer(body, response));
    }

    private static void AssertOnlyAdds(JsonNode template, JsonArray patch, int seed)
    {
        var holder = (string?)template["kind"] == "KubeadmControlPlaneTemplate"
            ? "/spec/template/spec/kubeadmConfigSpec" : "/spec/template/spec";
        Assert.Contains((string?)template["apiVersion"], new[]
        {
            "controlplane.cluster.x-k8s.io/v1beta1", "controlplane.cluster.x-k8s.io/v1beta2", "bootstrap.cluster.x-k8s.io/v1beta1",
            "bootstrap.cluster.x-k8s.io/v1beta2",
        });
        foreach (var operation in patch)
        {
            var path = (string)operation!["path"]!;
            Assert.Equal("add", (string?)operation["op"]);
            if (path == $"{holder}/files/-" || path == $"{holder}/preKubeadmCommands/-")
                continue;
            Assert.True(holder.StartsWith(path, StringComparison.Ordinal) || path == $"{holder}/files"
                || path == $"{holder}/preKubeadmCommands", $"seed {seed}: {path}");
            Assert.Null(path[1..].Split('/').Aggregate((JsonNode?)template, (node, step) => node?[step]));
        }
    }

    private static byte[] Damage(byte[] bytes, Random random)
    {
        for (var times = random.Next(4); times > 0; times--)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return random.Next(4) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }
}
