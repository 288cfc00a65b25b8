using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>The topology hooks of the published service, with the requests that Cluster API's controllers sent.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class TopologyRequestTests(EmbeddedEnvironment fixture) : IAsyncLifetime
{
    private const string Prefix = "/hooks.runtime.cluster.x-k8s.io/v1alpha1";

    private TestEnvironment _environment = null!;
    private HookService _service = null!;
    private ClusterApi _capi = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public static TheoryData<string> Versions => new(RecordedHookRequest.Versions);

    public async ValueTask InitializeAsync()
    {
        _environment = await fixture.EmptyAsync(CancellationToken);
        _service = await HookService.StartAsync(_environment.Management.Kubeconfig, [], CancellationToken);
        _capi = _service.CreateClusterApi();
        ((EmbeddedApiServer)_environment.Management).ClearCalls();
    }

    public async ValueTask DisposeAsync()
    {
        _capi.Dispose();
        await _service.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task GeneratePatches_AsRecorded_HasNoPatches(string version)
    {
        var answer = await CallAsync("GeneratePatches", RecordedHookRequest.Load(version, "GeneratePatches").Body);

        Assert.Equal("Success", answer.Status);
        Assert.Empty(answer.Json["items"]!.AsArray());
        Assert.Empty(((EmbeddedApiServer)_environment.Management).Calls);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task GeneratePatches_RegistryAskedFor_PatchesBothKindsWithoutAnyCall(string version)
    {
        var request = Asking(RecordedHookRequest.Load(version, "GeneratePatches").Body);

        var answer = await CallAsync("GeneratePatches", request);
        var again = await CallAsync("GeneratePatches", request);

        var templates = request["items"]!.AsArray().ToDictionary(item => (string)item!["uid"]!, item => item!["object"]!);
        Assert.Equal(
            ["KubeadmControlPlaneTemplate", "KubeadmConfigTemplate"],
            answer.Json["items"]!.AsArray().Select(item => (string?)templates[(string)item!["uid"]!]["kind"]));
        Assert.Equal(answer.Text, again.Text);
        Assert.Empty(((EmbeddedApiServer)_environment.Management).Calls);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task ValidateTopology_GoodAndBad_SaysSo(string version)
    {
        var good = await CallAsync("ValidateTopology", Asking(RecordedHookRequest.Load(version, "ValidateTopology").Body));
        var bad = await CallAsync("ValidateTopology",
            Asking(RecordedHookRequest.Load(version, "ValidateTopology").Body, """{ "replicas": 0, "mirror": { "mode": "x" } }"""));

        Assert.Equal(("Success", ""), (good.Status, (string?)good.Json["message"]));
        Assert.Equal("Failure", bad.Status);
        Assert.Matches("mirror.mode must be one of .*registry.replicas must be a whole number", (string?)bad.Json["message"]);
    }

    [Fact]
    public async Task ValidateTopology_BadVariable_SaysWhatTheLifecycleHookSays()
    {
        const string Bad = """{ "replicas": 0, "storage": { "size": "big" } }""";
        var cluster = await _environment.CreateClusterAsync("c1", CancellationToken);

        var topology = await CallAsync("ValidateTopology", Asking(RecordedHookRequest.Load("1.13.4", "ValidateTopology").Body, Bad));
        var lifecycle =
            await _capi.CallAsync("1.13.4", "BeforeClusterCreate", cluster with { ClusterConfig = Config(Bad) }, CancellationToken);

        Assert.Equal((string?)lifecycle.Json["message"], (string?)topology.Json["message"]);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task DiscoverVariables_AsRecorded_DefinesTheVariable(string version)
    {
        var answer = await CallAsync("DiscoverVariables", RecordedHookRequest.Load(version, "DiscoverVariables").Body);

        Assert.Equal("Success", answer.Status);
        var variable = Assert.Single(answer.Json["variables"]!.AsArray());
        Assert.Equal("clusterConfig", (string?)variable!["name"]);
    }

    [Fact]
    public async Task GeneratePatches_TwentyMebibytesOfOtherTemplates_IsAnswered()
    {
        var request = Asking(RecordedHookRequest.Load("1.13.4", "GeneratePatches").Body);
        request["items"]!.AsArray().Add((JsonNode)new JsonObject
        {
            ["uid"] = "large",
            ["object"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["data"] = new string('x', 19 * 1024 * 1024) },
        });

        var answer = await CallAsync("GeneratePatches", request);

        Assert.Equal(2, answer.Json["items"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("""{"apiVersion":"hooks.runtime.cluster.x-k8s.io/v1alpha1","kind":"ValidateTopologyRequest"}""", "kind must be")]
    [InlineData("""{"kind":"GeneratePatchesRequest","kind":"GeneratePatchesRequest"}""", "twice")]
    public async Task GeneratePatches_AnythingButTheContract_IsRefused(string body, string sentence)
    {
        var answer =
            await _capi.SendAsync(
                HttpMethod.Post, Prefix + "/generatepatches/generatepatches-v1", Encoding.UTF8.GetBytes(body), CancellationToken);

        Assert.Equal(400, answer.StatusCode);
        Assert.Contains(sentence, (string?)answer.Json["error"], StringComparison.Ordinal);
    }

    private async Task<HookAnswer> CallAsync(string hook, JsonObject body)
    {
        var name = hook == "GeneratePatches" ? "generatepatches-v1" : hook.ToLowerInvariant();
        var answer = await _capi.SendAsync(HttpMethod.Post, $"{Prefix}/{hook.ToLowerInvariant()}/{name}?timeout=10s",
            Encoding.UTF8.GetBytes(body.ToJsonString()), CancellationToken);
        Contract.AssertAllowed(hook, answer);
        return answer;
    }

    private static JsonObject Asking(JsonObject request, string registry = "{}")
    {
        var variable = request["variables"]!.AsArray().Single(variable => (string?)variable!["name"] == "clusterConfig")!;
        variable["value"] = Config(registry);
        return request;
    }

    private static JsonObject Config(string registry) => new() { ["addons"] = new JsonObject { ["registry"] = JsonNode.Parse(registry) } };
}
