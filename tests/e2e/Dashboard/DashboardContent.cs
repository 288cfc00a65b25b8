using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Content.Registries;

namespace CapiRegistryHook.EndToEnd.Tests.Dashboard;

/// <summary>Puts content into a registry without the product's help.</summary>
internal sealed class DashboardContent : IDisposable
{
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    private const string IndexType = "application/vnd.oci.image.index.v1+json";
    private const string ConfigType = "application/vnd.oci.image.config.v1+json";
    private const string LayerType = "application/vnd.oci.image.layer.v1.tar";

    private readonly HttpClient _http;

    public DashboardContent(int port, string authority)
    {
        var handler = RegistryTransport.Create(File.ReadAllText(authority));
        handler.UseProxy = false;
        _http = new HttpClient(handler) { BaseAddress = new Uri($"https://127.0.0.1:{port}") };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Images of two platforms under tags.</summary>
    public async Task AddIndexAsync(string repository, IEnumerable<string> tags, int size, CancellationToken cancellationToken)
    {
        var manifests = new JsonArray();
        foreach (var architecture in new[] { "amd64", "arm64" })
        {
            var image = await ImageAsync(repository, architecture, size, "", cancellationToken);
            var descriptor = await PutAsync(repository, null, ManifestType, image, cancellationToken);
            descriptor["platform"] = new JsonObject { ["architecture"] = architecture, ["os"] = "linux" };
            manifests.Add((JsonNode)descriptor);
        }

        var index = new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = IndexType, ["manifests"] = manifests };
        foreach (var tag in tags)
            await PutAsync(repository, tag, IndexType, index, cancellationToken);
    }

    /// <summary>An image of one platform for each tag; all share their layer.</summary>
    public async Task AddImagesAsync(string repository, IReadOnlyList<string> tags, int size, CancellationToken cancellationToken)
    {
        var image = await ImageAsync(repository, "amd64", size, "", cancellationToken);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(tags, parallel, async (tag, token) =>
        {
            var own = image.DeepClone().AsObject();
            own["annotations"] = new JsonObject { ["org.opencontainers.image.version"] = tag };
            await PutAsync(repository, tag, ManifestType, own, token);
        });
    }

    /// <summary>A Helm chart.</summary>
    public async Task AddChartAsync(string repository, string tag, CancellationToken cancellationToken) =>
        await PutAsync(repository, tag, ManifestType, new JsonObject
        {
            ["schemaVersion"] = 2, ["mediaType"] = ManifestType,
            ["config"] = await BlobAsync(repository, "application/vnd.cncf.helm.config.v1+json", "{}"u8.ToArray(), cancellationToken),
            ["layers"] = new JsonArray(await BlobAsync(
                repository, "application/vnd.cncf.helm.chart.content.v1.tar+gzip", new byte[41_000], cancellationToken)),
        }, cancellationToken);

    private async Task<JsonObject> ImageAsync(
        string repository, string architecture, int size, string salt, CancellationToken cancellationToken) => new()
    {
        ["schemaVersion"] = 2, ["mediaType"] = ManifestType,
        ["config"] = await BlobAsync(repository, ConfigType, Encoding.UTF8.GetBytes(new JsonObject
        {
            ["os"] = "linux", ["architecture"] = architecture, ["comment"] = repository + salt,
        }.ToJsonString()), cancellationToken),
        ["layers"] = new JsonArray(await BlobAsync(repository, LayerType, new byte[size], cancellationToken)),
    };

    private async Task<JsonObject> BlobAsync(string repository, string type, byte[] bytes, CancellationToken cancellationToken)
    {
        var digest = DigestOf(bytes);
        using var begun = await _http.PostAsync(new Uri($"/v2/{repository}/blobs/uploads/", UriKind.Relative), null, cancellationToken);
        var place = new Uri(_http.BaseAddress!, begun.EnsureSuccessStatusCode().Headers.Location!);
        using var body = new ByteArrayContent(bytes);
        body.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using var ended = await _http.PutAsync(
            new Uri($"{place}{(place.Query.Length > 0 ? "&" : "?")}digest={digest}"), body, cancellationToken);
        ended.EnsureSuccessStatusCode();
        return Descriptor(type, bytes);
    }

    private async Task<JsonObject> PutAsync(
        string repository, string? tag, string type, JsonObject manifest, CancellationToken cancellationToken)
    {
        var bytes = Encoding.UTF8.GetBytes(manifest.ToJsonString());
        using var body = new ByteArrayContent(bytes);
        body.Headers.ContentType = new MediaTypeHeaderValue(type);
        using var stored = await _http.PutAsync(
            new Uri($"/v2/{repository}/manifests/{tag ?? DigestOf(bytes)}", UriKind.Relative), body, cancellationToken);
        stored.EnsureSuccessStatusCode();
        return Descriptor(type, bytes);
    }

    private static JsonObject Descriptor(string type, byte[] bytes) =>
        new() { ["mediaType"] = type, ["digest"] = DigestOf(bytes), ["size"] = bytes.Length };

    private static string DigestOf(byte[] bytes) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(bytes))}";
}
