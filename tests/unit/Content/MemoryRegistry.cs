using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Unit.Tests.Content;

/// <summary>
/// A registry in memory, behind an HttpClient. It keeps the rules that a client must respect (no manifest before its blobs and children),
/// and does what a test tells it instead of answering.
/// </summary>
internal sealed class MemoryRegistry : HttpMessageHandler
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, MemoryStream> _uploads = [];
    private int _nextUpload;

    public ConcurrentDictionary<string, byte[]> Blobs { get; } = new();

    public ConcurrentDictionary<string, (byte[] Bytes, string Type)> Manifests { get; } = new();

    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>Looks at a request first; what it returns is the answer, null leaves it to the registry.</summary>
    public Func<HttpRequestMessage, HttpResponseMessage?>? Fault { get; set; }

    /// <summary>Bytes that were received as blobs.</summary>
    public long Received { get; private set; }

    public bool Mounts { get; set; } = true;

    /// <summary>Tags can't be removed alone, as in Distribution 2.8: a manifest goes with all of its tags.</summary>
    public bool RemovesManifestsOnly { get; set; }

    public int PageSize { get; set; } = 2;

    public void AddBlob(string repository, byte[] content) => Blobs[$"{repository}@{Digest.Compute(content)}"] = content;

    public Digest AddManifest(string repository, string? tag, byte[] content, string type)
    {
        var digest = Digest.Compute(content);
        Manifests[$"{repository}:{digest}"] = (content, type);
        if (tag is not null)
            Manifests[$"{repository}:{tag}"] = (content, type);
        return digest;
    }

    /// <summary>Loses all uploads, as a registry does that restarts with another secret.</summary>
    public void LoseUploads()
    {
        lock (_gate)
            _uploads.Clear();
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"{request.Method} {request.RequestUri!.PathAndQuery}");
        var answer = Fault?.Invoke(request) ?? await AnswerAsync(request, cancellationToken);
        answer.RequestMessage = request;
        return answer;
    }

    private async Task<HttpResponseMessage> AnswerAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var path = request.RequestUri!.AbsolutePath["/v2/".Length..];
        if (path.Length == 0)
            return new HttpResponseMessage(HttpStatusCode.OK);
        if (path == "_catalog")
            return Page(request, "repositories", Manifests.Keys
                .Select(key => key[..key.IndexOf(':', StringComparison.Ordinal)]).Distinct());
        if (path.EndsWith("/tags/list", StringComparison.Ordinal))
            return Page(request, "tags", Tags(path[..^"/tags/list".Length]));
        if (Split(path, "/manifests/") is { } manifest)
            return await ManifestAsync(request, manifest.Repository, manifest.Name, cancellationToken);
        if (Split(path, "/blobs/uploads/") is { } upload)
            return await UploadAsync(request, upload.Repository, upload.Name, cancellationToken);
        return Split(path, "/blobs/") is { } blob ? Blob(request, blob.Repository, blob.Name)
            : new HttpResponseMessage(HttpStatusCode.NotFound);
    }

    private IEnumerable<string> Tags(string repository) =>
        Manifests.Keys
            .Where(key => key.StartsWith(repository + ":", StringComparison.Ordinal) && !key.Contains("sha256:", StringComparison.Ordinal))
            .Select(key => key[(repository.Length + 1)..]);

    private HttpResponseMessage Page(HttpRequestMessage request, string property, IEnumerable<string> all)
    {
        var query = System.Web.HttpUtility.ParseQueryString(request.RequestUri!.Query);
        var rest = all.Order(StringComparer.Ordinal).Where(entry => string.CompareOrdinal(entry, query["last"] ?? "") > 0).ToList();
        var page = rest.Take(PageSize).ToList();
        var answer = new HttpResponseMessage(
            HttpStatusCode.OK) { Content = new StringContent($$"""{"{{property}}":{{JsonSerializer.Serialize(page)}}}""") };
        if (rest.Count > page.Count)
            answer.Headers.TryAddWithoutValidation("Link",
                $"<{request.RequestUri.AbsolutePath}?last={page[^1]}&n={PageSize}>; rel=\"next\"");
        return answer;
    }

    private async Task<HttpResponseMessage> ManifestAsync(
        HttpRequestMessage request, string repository, string selector, CancellationToken cancellationToken)
    {
        var key = $"{repository}:{selector}";
        if (request.Method == HttpMethod.Put)
            return Put(repository, selector, await request.Content!.ReadAsByteArrayAsync(cancellationToken),
                request.Content.Headers.ContentType!.MediaType!);
        if (request.Method == HttpMethod.Delete)
            return Delete(repository, selector);
        if (!Manifests.TryGetValue(key, out var manifest))
            return new HttpResponseMessage(HttpStatusCode.NotFound);
        var answer = new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(manifest.Bytes) };
        answer.Content.Headers.ContentType = new(manifest.Type);
        answer.Headers.Add("Docker-Content-Digest", Digest.Compute(manifest.Bytes).ToString());
        return answer;
    }

    private HttpResponseMessage Delete(string repository, string selector)
    {
        if (RemovesManifestsOnly && !selector.Contains(':', StringComparison.Ordinal))
            return Error(HttpStatusCode.MethodNotAllowed, "UNSUPPORTED");
        if (!Manifests.TryRemove($"{repository}:{selector}", out var removed))
            return new HttpResponseMessage(HttpStatusCode.NotFound);
        if (RemovesManifestsOnly)
        {
            foreach (var tag in Tags(repository).Where(tag => Manifests[$"{repository}:{tag}"].Bytes.AsSpan().SequenceEqual(removed.Bytes))
                .ToList())
                Manifests.TryRemove($"{repository}:{tag}", out _);
        }

        return new HttpResponseMessage(HttpStatusCode.Accepted);
    }

    private HttpResponseMessage Put(string repository, string selector, byte[] bytes, string type)
    {
        using var document = JsonDocument.Parse(bytes);
        var root = document.RootElement;
        var blobs = root.TryGetProperty("layers", out var layers) ? layers.EnumerateArray().Append(root.GetProperty("config")) : [];
        var children = root.TryGetProperty("manifests", out var manifests) ? manifests.EnumerateArray() : default;
        var isComplete = blobs.All(blob => Blobs.ContainsKey($"{repository}@{blob.GetProperty("digest").GetString()}"))
            && children.All(child => Manifests.ContainsKey($"{repository}:{child.GetProperty("digest").GetString()}"));
        if (!isComplete)
            return Error(HttpStatusCode.NotFound, "MANIFEST_BLOB_UNKNOWN");
        AddManifest(repository, selector.Contains(':', StringComparison.Ordinal) ? null : selector, bytes, type);
        return new HttpResponseMessage(HttpStatusCode.Created);
    }

    private HttpResponseMessage Blob(HttpRequestMessage request, string repository, string digest)
    {
        if (!Blobs.TryGetValue($"{repository}@{digest}", out var content))
            return new HttpResponseMessage(HttpStatusCode.NotFound);
        var from = (int)(request.Headers.Range?.Ranges.First().From ?? 0);
        var answer = new HttpResponseMessage(from == 0 ? HttpStatusCode.OK
            : HttpStatusCode.PartialContent) { Content = new ByteArrayContent(content, from, content.Length - from) };
        if (from > 0)
            answer.Content.Headers.ContentRange = new(from, content.Length - 1, content.Length);
        return answer;
    }

    private async Task<HttpResponseMessage> UploadAsync(
        HttpRequestMessage request, string repository, string id, CancellationToken cancellationToken)
    {
        var query = System.Web.HttpUtility.ParseQueryString(request.RequestUri!.Query);
        var body = request.Content is null ? [] : await ReadAsync(request.Content, cancellationToken);
        lock (_gate)
        {
            if (request.Method == HttpMethod.Post)
                return Start(repository, query["mount"], query["from"]);
            if (!_uploads.TryGetValue(id, out var upload))
                return Error(HttpStatusCode.NotFound, "BLOB_UPLOAD_UNKNOWN");
            if (request.Method == HttpMethod.Patch && request.Content!.Headers.TryGetValues("Content-Range", out var range)
                && !range.First().StartsWith($"{upload.Length}-", StringComparison.Ordinal))
                return Error(HttpStatusCode.RequestedRangeNotSatisfiable, "RANGE_INVALID");
            upload.Write(body);
            Received += body.Length;
            return request.Method == HttpMethod.Put ? Finish(repository, id, upload.ToArray(), query["digest"]!)
                : Session(request.Method == HttpMethod.Get ? HttpStatusCode.NoContent
                    : HttpStatusCode.Accepted, repository, id, upload.Length);
        }
    }

    private static async Task<byte[]> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        await content.CopyToAsync(body, cancellationToken);
        return body.ToArray();
    }

    private HttpResponseMessage Start(string repository, string? mount, string? from)
    {
        if (Mounts && mount is not null && Blobs.TryGetValue($"{from}@{mount}", out var content))
        {
            Blobs[$"{repository}@{mount}"] = content;
            return new HttpResponseMessage(HttpStatusCode.Created);
        }

        var id = $"{_nextUpload++}";
        _uploads[id] = new MemoryStream();
        return Session(HttpStatusCode.Accepted, repository, id, 0);
    }

    private HttpResponseMessage Finish(string repository, string id, byte[] content, string digest)
    {
        _uploads.Remove(id);
        if (!Digest.Parse(digest).Matches(content))
            return Error(HttpStatusCode.BadRequest, "DIGEST_INVALID");
        Blobs[$"{repository}@{digest}"] = content;
        return new HttpResponseMessage(HttpStatusCode.Created);
    }

    private static HttpResponseMessage Session(HttpStatusCode status, string repository, string id, long length)
    {
        var answer = new HttpResponseMessage(status);
        answer.Headers.Location = new Uri($"/v2/{repository}/blobs/uploads/{id}?state=s", UriKind.Relative);
        answer.Headers.TryAddWithoutValidation("Range", $"0-{Math.Max(0, length - 1)}");
        return answer;
    }

    internal static HttpResponseMessage Error(HttpStatusCode status, string code) =>
        new(status) {
            Content = new StringContent($$"""{"errors":[{"code":"{{code}}","message":"no"}]}""", Encoding.UTF8, "application/json") };

    private static (string Repository, string Name)? Split(string path, string by) =>
        path.IndexOf(by, StringComparison.Ordinal) is var place and > 0 ? (path[..place], path[(place + by.Length)..]) : null;
}
