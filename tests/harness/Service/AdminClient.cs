using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Embedded;

namespace CapiRegistryHook.Harness.Service;

/// <summary>
/// A cluster admin's plain way to the objects of an API server, for setting the environment and for looking at what came out of it. It
/// shares no code with the client under test.
/// </summary>
public sealed class AdminClient : IDisposable
{
    private readonly HttpClient _http;

    /// <summary>The admin of a server; the caller disposes the client.</summary>
    public AdminClient(IApiServer server) => _http = AdminHttp.Create(server);

    /// <summary>The admin of a server without a network; the caller disposes the client.</summary>
    public AdminClient(InProcessApi server)
    {
        _http = new HttpClient(server.CreateHandler()) { BaseAddress = server.Address };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", server.Token);
    }

    /// <summary>The path of Secrets in a namespace.</summary>
    public static string Secrets(string @namespace) => $"/api/v1/namespaces/{@namespace}/secrets";

    /// <summary>The path of HelmReleaseProxies in a namespace.</summary>
    public static string ReleaseProxies(string @namespace) =>
        $"/apis/addons.cluster.x-k8s.io/v1alpha1/namespaces/{@namespace}/helmreleaseproxies";

    /// <summary>The path of HelmChartProxies in a namespace.</summary>
    public static string ChartProxies(string @namespace) =>
        $"/apis/addons.cluster.x-k8s.io/v1alpha1/namespaces/{@namespace}/helmchartproxies";

    /// <summary>The path of Clusters in a namespace.</summary>
    public static string Clusters(string @namespace, string version = "v1beta2") =>
        $"/apis/cluster.x-k8s.io/{version}/namespaces/{@namespace}/clusters";

    /// <summary>The path of Machines in a namespace.</summary>
    public static string Machines(string @namespace) => $"/apis/cluster.x-k8s.io/v1beta2/namespaces/{@namespace}/machines";

    /// <summary>The path of Leases in a namespace.</summary>
    public static string Leases(string @namespace) => $"/apis/coordination.k8s.io/v1/namespaces/{@namespace}/leases";

    /// <summary>The path of Events in a namespace.</summary>
    public static string Events(string @namespace) => $"/apis/events.k8s.io/v1/namespaces/{@namespace}/events";

    /// <summary>RegistryContents of a namespace.</summary>
    public static string Contents(string @namespace) =>
        $"/apis/capi-registry-hook.io/v1alpha1/namespaces/{@namespace}/registrycontents";

    /// <summary>The path of ExtensionConfigs.</summary>
    public static string ExtensionConfigs => "/apis/runtime.cluster.x-k8s.io/v1beta2/extensionconfigs";

    /// <summary>The path of MutatingWebhookConfigurations.</summary>
    public static string MutatingWebhooks => "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

    /// <summary>The object; null when it is not there.</summary>
    public async Task<JsonObject?> FindAsync(string collection, string name, CancellationToken cancellationToken)
    {
        using var answer = await _http.GetAsync(new Uri($"{collection}/{name}", UriKind.Relative), cancellationToken);
        return answer.StatusCode == HttpStatusCode.NotFound ? null : await ReadAsync(answer, cancellationToken);
    }

    /// <summary>The object.</summary>
    public async Task<JsonObject> GetAsync(string collection, string name, CancellationToken cancellationToken) =>
        await FindAsync(collection, name, cancellationToken) ?? throw new InvalidOperationException($"{collection}/{name} is not there.");

    /// <summary>All objects of a collection.</summary>
    public async Task<IReadOnlyList<JsonObject>> ListAsync(string collection, CancellationToken cancellationToken)
    {
        using var answer = await _http.GetAsync(new Uri(collection, UriKind.Relative), cancellationToken);
        var list = await ReadAsync(answer, cancellationToken);
        return [.. list["items"]!.AsArray().Select(item => item!.AsObject())];
    }

    /// <summary>Creates an object and returns it as the server holds it.</summary>
    public Task<JsonObject> CreateAsync(string collection, JsonObject value, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, collection, value, "application/json", cancellationToken);

    /// <summary>Applies a JSON merge patch.</summary>
    public Task<JsonObject> MergePatchAsync(string collection, string name, JsonObject patch, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Patch, $"{collection}/{name}", patch, "application/merge-patch+json", cancellationToken);

    /// <summary>Applies an object as the service does: it owns the fields from then on.</summary>
    public Task<JsonObject> ApplyAsync(string collection, string name, JsonObject value, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Patch, $"{collection}/{name}?fieldManager=capi-registry-hook&force=true", value,
            "application/apply-patch+yaml", cancellationToken);

    /// <summary>Deletes an object; one that is not there is fine.</summary>
    public async Task DeleteIfThereAsync(string collection, string name, CancellationToken cancellationToken)
    {
        using var answer = await _http.DeleteAsync(new Uri($"{collection}/{name}", UriKind.Relative), cancellationToken);
        if (answer.StatusCode != HttpStatusCode.NotFound)
            await ReadAsync(answer, cancellationToken);
    }

    /// <summary>Ends the connections.</summary>
    public void Dispose() => _http.Dispose();

    private async Task<JsonObject> SendAsync(
        HttpMethod method, string path, JsonObject body, string contentType, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, contentType);
        using var answer = await _http.SendAsync(request, cancellationToken);
        return await ReadAsync(answer, cancellationToken);
    }

    private static async Task<JsonObject> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        return answer.IsSuccessStatusCode
            ? JsonNode.Parse(text)!.AsObject()
            : throw new InvalidOperationException(
                $"{answer.RequestMessage!.Method} {answer.RequestMessage.RequestUri} answered {(int)answer.StatusCode}: {text}");
    }
}
