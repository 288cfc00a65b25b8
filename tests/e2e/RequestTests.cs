using System.Text;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>What comes over the wire: recorded requests as they were sent, and everything that breaks the contract.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class RequestTests(EmbeddedEnvironment fixture) : IAsyncLifetime
{
    private const string Prefix = "/hooks.runtime.cluster.x-k8s.io/v1alpha1";
    private const string Create = Prefix + "/beforeclustercreate/beforeclustercreate";
    private const string ApiVersion = "hooks.runtime.cluster.x-k8s.io/v1alpha1";

    private TestEnvironment _environment = null!;
    private HookService _service = null!;
    private ClusterApi _capi = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Recorded => new(RecordedHookRequest.Versions.SelectMany(version =>
        new[] { "BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade" }.Select(hook => (version, hook))));

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
    [MemberData(nameof(Recorded))]
    public async Task Post_AsRecorded_AnswersByTheContractWithoutApiCalls(string version, string hook)
    {
        var answer = await _capi.PostAsync(RecordedHookRequest.Load(version, hook), CancellationToken);

        Contract.AssertAllowed(hook, answer);
        Assert.Equal("Success", answer.Status);
        Assert.Empty(((EmbeddedApiServer)_environment.Management).Calls);
    }

    [Theory]
    [InlineData("1.12.5")]
    [InlineData("1.13.4")]
    public async Task Discovery_AsRecorded_NamesEveryHandlerOnce(string version)
    {
        var answer = await _capi.DiscoverAsync(version, CancellationToken);

        Contract.AssertDiscovery(answer);
        foreach (var handler in answer.Json["handlers"]!.AsArray())
        {
            var hook = (string)handler!["requestHook"]!["hook"]!;
            var request = RecordedHookRequest.Load(version, hook).ToHandler((string)handler["name"]!);
            Assert.Equal($"{Prefix}/{hook.ToLowerInvariant()}/{handler["name"]}?timeout=10s", request.Path);
            Assert.Equal(200, (await _capi.PostAsync(request, CancellationToken)).StatusCode);
        }
    }

    [Theory]
    [InlineData("{", 400, "not valid JSON")]
    [InlineData("", 400, "not valid JSON")]
    [InlineData("[]", 400, "must be a JSON object")]
    [InlineData("null", 400, "must be a JSON object")]
    [InlineData("{}", 400, "apiVersion")]
    [InlineData("""{"apiVersion":"API","kind":"DiscoveryRequest"}""", 400, "kind must be")]
    [InlineData("""{"apiVersion":"API","kind":"BeforeClusterCreateRequest"}""", 400, "no field cluster")]
    [InlineData("""{"apiVersion":"API","kind":"BeforeClusterCreateRequest","cluster":{}}""", 400, "no metadata.name")]
    [InlineData("""{"apiVersion":"API","kind":"BeforeClusterCreateRequest","cluster":{"metadata":{"name":"c"}}}""", 400,
        "no metadata.namespace")]
    [InlineData("""{"apiVersion":"API","kind":"BeforeClusterCreateRequest","cluster":{"metadata":{"name":5}}}""", 400,
        "cluster.metadata.name of the Cluster has the wrong type")]
    [InlineData("""{"apiVersion":"API","kind":"BeforeClusterCreateRequest","cluster":{"metadata":{"name":"c","namespace":"n"},"spec":{"topology":{"variables":"x"}}}}""", 400, "cluster.spec.topology.variables of the Cluster has the wrong type")]
    [InlineData("""{"apiVersion":"API","kind":"\ud800"}""", 400, "text that is not valid Unicode")]
    [InlineData("""{"apiVersion":"API","kind":"BeforeClusterCreateRequest","cluster":{"metadata":{"name":"c","namespace":"n","uid":"u"},"spec":{"topology":{"variables":[{"name":"clusterConfig","value":{"addons":{"registry":{"\ud800":1}}}}]}}}}""", 400, "text that is not valid Unicode")]
    [InlineData("""{"apiVersion":"API","kind":"BeforeClusterCreateRequest","cluster":{"apiVersion":"cluster.x-k8s.io/v1/../x","metadata":{"name":"c","namespace":"n"}}}""", 400, "cluster.apiVersion")]
    public async Task Post_BrokenBody_IsRefusedWithAFixedSentence(string body, int status, string sentence)
    {
        var bytes = Encoding.UTF8.GetBytes(body.Replace("API", ApiVersion, StringComparison.Ordinal));

        var first = await _capi.SendAsync(HttpMethod.Post, Create, bytes, CancellationToken);
        var second = await _capi.SendAsync(HttpMethod.Post, Create, bytes, CancellationToken);

        Assert.Equal(status, first.StatusCode);
        Assert.Contains(sentence, (string?)first.Json["error"], StringComparison.Ordinal);
        Assert.Equal(first.Text, second.Text);
        await AssertAliveAsync();
    }

    [Theory]
    [InlineData("clusterConfig.addons.registry", """{"addons":{"registry":5}}""")]
    [InlineData("clusterConfig.addons ", """{"addons":"yes"}""")]
    [InlineData("clusterConfig ", """[1]""")]
    [InlineData("clusterConfig.addons.registry.replicas", """{"addons":{"registry":{"replicas":{}}}}""")]
    public async Task Post_VariableOfWrongType_FailsWithTheField(string field, string clusterConfig)
    {
        var cluster = await _environment.CreateClusterAsync("c1", CancellationToken);
        var request = RecordedHookRequest.Load("1.13.4", "BeforeClusterCreate").For(cluster);
        request.Body["cluster"]!["spec"]!["topology"]!["variables"]![0]!["value"] = System.Text.Json.Nodes.JsonNode.Parse(clusterConfig);

        var answer = await _capi.PostAsync(request, CancellationToken);

        Assert.Equal((200, "Failure"), (answer.StatusCode, answer.Status));
        Assert.Contains(field, answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_CidrGarbage_FailsWithTheField()
    {
        var cluster =
            await _environment.CreateClusterAsync("c1", CancellationToken) with { ServiceCidrBlocks = ["10.0.0.0/99", "\u001b[2J"] };

        var answer = await _capi.CallAsync("1.13.4", "BeforeClusterCreate", cluster, CancellationToken);

        Assert.Equal((200, "Failure"), (answer.StatusCode, answer.Status));
        Assert.Contains("cidrBlocks[0] is \"10.0.0.0/99\"", answer.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(answer.Message!, char.IsControl);
    }

    [Fact]
    public async Task Post_BytesThatAreNotUtf8_AreRefused()
    {
        var body = Encoding.Latin1.GetBytes(
            $$$"""{"apiVersion":"{{{ApiVersion}}}","kind":"\u00ff"}""".Replace("\\u00ff", "\u00ff", StringComparison.Ordinal));

        var answer = await _capi.SendAsync(HttpMethod.Post, Create, body, CancellationToken);

        Assert.Equal(400, answer.StatusCode);
        Assert.Contains("text that is not valid Unicode", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_DeepNesting_IsRefused()
    {
        var body = string.Concat(Enumerable.Repeat("{\"a\":", 100_000)) + "1" + new string('}', 100_000);

        var answer = await _capi.SendAsync(HttpMethod.Post, Create, Encoding.UTF8.GetBytes(body), CancellationToken);

        Assert.Equal(400, answer.StatusCode);
        Assert.Contains("nested deeper than 64 levels", answer.Text, StringComparison.Ordinal);
        await AssertAliveAsync();
    }

    [Fact]
    public async Task Post_25MebibyteBody_IsRefusedUnread()
    {
        var answer = await _capi.SendAsync(HttpMethod.Post, Create, new byte[25 * 1024 * 1024], CancellationToken);

        Assert.Equal(413, answer.StatusCode);
        Assert.Contains("longer than 20 MiB", answer.Text, StringComparison.Ordinal);
        await AssertAliveAsync();
    }

    [Theory]
    [InlineData("POST", "/", 404)]
    [InlineData("POST", Prefix + "/nosuchhook/nosuchhook", 404)]
    [InlineData("POST", Prefix + "/beforeclustercreate/other", 404)]
    [InlineData("POST", Create + "/more", 404)]
    [InlineData("GET", Create, 405)]
    [InlineData("GET", Prefix + "/discovery", 405)]
    [InlineData("PUT", Create, 405)]
    [InlineData("POST", "/healthz", 405)]
    public async Task Send_WrongPathOrMethod_IsRefusedWithAFixedSentence(string method, string path, int status)
    {
        var answer = await _capi.SendAsync(new HttpMethod(method), path, method == "GET" ? null : "{}"u8.ToArray(), CancellationToken);

        Assert.Equal(status, answer.StatusCode);
        Assert.NotEmpty((string?)answer.Json["error"] ?? "");
        await AssertAliveAsync();
    }

    private async Task AssertAliveAsync()
    {
        Assert.Equal(200, (await _capi.SendAsync(HttpMethod.Get, "/healthz", null, CancellationToken)).StatusCode);
        Assert.True(_service.IsRunning);
    }
}
