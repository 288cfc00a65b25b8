using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;

namespace CapiRegistryHook.Unit.Tests.Harness;

/// <summary>An answer, read.</summary>
internal sealed record ApiAnswer(HttpStatusCode Status, JsonNode? Body, HttpResponseMessage Message)
{
    public JsonObject Json => Assert.IsType<JsonObject>(Body);

    public string Version => (string)Json["metadata"]!["resourceVersion"]!;

    public string Uid => (string)Json["metadata"]!["uid"]!;

    public string Reason => (string)Json["reason"]!;

    public string Text => (string)Json["message"]!;

    /// <summary>The names of a list's items.</summary>
    public string[] Names => [.. Json["items"]!.AsArray().Select(item => (string)item!["metadata"]!["name"]!)];
}

/// <summary>A plain HttpClient before an embedded server: bare HTTP, so that what is tested is the server and nothing else.</summary>
internal sealed class ApiSession : IAsyncDisposable
{
    public const string Secrets = "/api/v1/namespaces/default/secrets";
    public const string Proxies = "/apis/addons.cluster.x-k8s.io/v1alpha1/namespaces/default/helmchartproxies";
    public const string Clusters = "/apis/cluster.x-k8s.io/v1beta1/namespaces/default/clusters";
    public const string Leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    public const string JsonPatch = "application/json-patch+json";
    public const string MergePatch = "application/merge-patch+json";
    public const string ApplyPatch = "application/apply-patch+yaml";

    private ApiSession(EmbeddedApiServer server)
    {
        Server = server;
        Http = CreateClient(server);
    }

    public EmbeddedApiServer Server { get; }

    public HttpClient Http { get; }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<ApiSession> StartAsync() => new(await EmbeddedApiServer.StartAsync("test", Token));

    public static HttpClient CreateClient(IApiServer server)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPem(server.CertificateAuthorityPem);
        var handler = new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = policy } };
        var client = new HttpClient(handler) { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", server.Token);
        return client;
    }

    public Task<ApiAnswer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<ApiAnswer> PostAsync(string path, string body) => SendAsync(HttpMethod.Post, path, body);

    public Task<ApiAnswer> PutAsync(string path, JsonNode body) => SendAsync(HttpMethod.Put, path, body.ToJsonString());

    public Task<ApiAnswer> PatchAsync(string path, string type, string body) => SendAsync(HttpMethod.Patch, path, body, type);

    public Task<ApiAnswer> ApplyAsync(string path, string manager, string body, bool force = false) =>
        PatchAsync($"{path}?fieldManager={manager}{(force ? "&force=true" : "")}", ApplyPatch, body);

    public Task<ApiAnswer> DeleteAsync(string path, string? options = null) => SendAsync(HttpMethod.Delete, path, options);

    /// <summary>Creates a Secret and returns the answer, which must be a 201.</summary>
    public async Task<ApiAnswer> CreateSecretAsync(string name, string metadata = "", string @namespace = "default")
    {
        var body = $$$"""{"metadata":{"name":"{{{name}}}"{{{metadata}}}},"data":{"key":"djE="}}""";
        var answer = await PostAsync($"/api/v1/namespaces/{@namespace}/secrets", body);
        Assert.Equal(HttpStatusCode.Created, answer.Status);
        return answer;
    }

    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, string? body = null, string type = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, type);
        var response = await Http.SendAsync(request, Token);
        var text = await response.Content.ReadAsStringAsync(Token);
        return new ApiAnswer(response.StatusCode, text.StartsWith('{') ? JsonNode.Parse(text) : JsonValue.Create(text), response);
    }

    public Task<WatchReader> WatchAsync(string pathAndQuery) => WatchReader.OpenAsync(Http, pathAndQuery);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Server.DisposeAsync();
    }
}

/// <summary>Reads the events of one watch.</summary>
internal sealed class WatchReader(HttpResponseMessage response, StreamReader reader) : IDisposable
{
    public static async Task<WatchReader> OpenAsync(HttpClient client, string pathAndQuery)
    {
        var response = await client.GetAsync(pathAndQuery, HttpCompletionOption.ResponseHeadersRead, ApiSession.Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new WatchReader(response, new StreamReader(await response.Content.ReadAsStreamAsync(ApiSession.Token)));
    }

    // Not a wait but a limit: an event that never comes fails the test and does not hang the run.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>The next event as "TYPE name", or null at the end of the stream.</summary>
    public async Task<string?> NextAsync()
    {
        var line = await reader.ReadLineAsync(ApiSession.Token).AsTask().WaitAsync(Limit, ApiSession.Token);
        if (line is null) return null;
        Last = JsonNode.Parse(line)!.AsObject();
        return $"{Last["type"]} {Last["object"]!["metadata"]!["name"]}".Trim();
    }

    /// <summary>The last event, whole.</summary>
    public JsonObject Last { get; private set; } = [];

    public void Dispose()
    {
        reader.Dispose();
        response.Dispose();
    }
}
