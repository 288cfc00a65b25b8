using System.Net;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Registries;

/// <summary>
/// One registry, by the distribution API. Calls are retried and bounded in time and size; manifests are verified by digest, blobs by
/// whoever reads them to the end. Safe for several calls at once.
/// </summary>
public sealed class RegistryClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly RegistryCalls _calls;

    /// <summary>A client.</summary>
    /// <param name="handler">The connections, for example of <see cref="RegistryTransport.Create"/>; not disposed here, and must not
    /// follow redirects.</param>
    /// <param name="address">Scheme, host and port; https, or http on a loopback address.</param>
    /// <param name="options">How it is called.</param>
    /// <exception cref="ContentException">The address is not one of a registry.</exception>
    public RegistryClient(HttpMessageHandler handler, Uri address, RegistryOptions? options = null)
    {
        if (address.Scheme != Uri.UriSchemeHttps && !(address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
            throw new ContentException($"{address} is not the address of a registry: use https.");
        _http = new HttpClient(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        _calls = new RegistryCalls(_http, new Uri(address.GetLeftPart(UriPartial.Authority) + "/"), options ?? new RegistryOptions());
    }

    /// <summary>Host and port.</summary>
    public string Name => _calls.Address.Authority;

    internal RegistryOptions Options => _calls.Options;

    /// <summary>Checks that a registry answers, and that it takes the login.</summary>
    /// <exception cref="RegistryException">It does not.</exception>
    public async Task PingAsync(CancellationToken cancellationToken)
    {
        using var response = await _calls.SendAsync(new RegistryCall(HttpMethod.Get, new Uri("v2/", UriKind.Relative), ""),
            cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK)
            throw await response.ToExceptionAsync("be used as a registry", Options, cancellationToken);
    }

    /// <summary>What a tag or digest stands for; null when it is not there.</summary>
    /// <exception cref="ContentException">The registry has something else under a digest.</exception>
    public async Task<Descriptor?> ResolveAsync(string repository, string selector, CancellationToken cancellationToken)
    {
        using var response = await _calls.SendAsync(ManifestCall(HttpMethod.Head, repository, selector, "pull"), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return null;
        if (response.StatusCode != HttpStatusCode.OK)
            throw await response.ToExceptionAsync($"say what {repository} has under {selector}", Options, cancellationToken);
        var type = response.Content.Headers.ContentType?.MediaType;
        // A registry that names another digest than it was asked for has to show what it means.
        var isAsked = !Digest.TryParse(selector, out var asked) || DigestOf(response) == asked;
        var hasAll = isAsked && DigestOf(response) is not null && response.Content.Headers.ContentLength is > 0 && type is not null
            && MediaTypes.IsManifest(type);
        return hasAll ? new Descriptor(type!, DigestOf(response)!.Value, response.Content.Headers.ContentLength!.Value)
            : (await GetManifestAsync(repository, selector, cancellationToken))?.Descriptor;
    }

    /// <summary>A manifest by tag or digest; null when it is not there.</summary>
    /// <exception cref="ContentException">It is larger than 4 MiB, of Docker's schema 1, or not what its digest says.</exception>
    public Task<Manifest?> GetManifestAsync(string repository, string selector, CancellationToken cancellationToken) =>
        _calls.RetryAsync(() => GetManifestOnceAsync(repository, selector, cancellationToken), cancellationToken);

    /// <summary>True when a repository has a blob.</summary>
    public async Task<bool> HasBlobAsync(string repository, Digest digest, CancellationToken cancellationToken)
    {
        using var response = await _calls.SendAsync(BlobDownload.CallOf(HttpMethod.Head, Checked(repository), digest), cancellationToken);
        return response.StatusCode switch
        {
            HttpStatusCode.OK => true,
            HttpStatusCode.NotFound => false,
            _ => throw await response.ToExceptionAsync($"say whether {repository} has {digest}", Options, cancellationToken),
        };
    }

    /// <summary>A blob from an offset on, not verified; null when it is not there. The caller disposes it.</summary>
    public Task<Stream?> OpenBlobAsync(string repository, Digest digest, long offset, CancellationToken cancellationToken) =>
        new BlobDownload(_calls, Checked(repository), digest).OpenAsync(offset, cancellationToken);

    /// <summary>Sends a blob that the repository does not have.</summary>
    /// <param name="repository">Where it goes.</param>
    /// <param name="blob">The blob.</param>
    /// <param name="source">Where it is read; it is verified on the way.</param>
    /// <param name="mountFrom">Another repository of this registry that has it; null for none.</param>
    /// <param name="sent">Gets the bytes that go out, resent ones too.</param>
    /// <param name="cancellationToken">Ends the upload.</param>
    /// <returns>True when nothing had to be sent, because it was mounted.</returns>
    public Task<bool> UploadAsync(
        string repository, Descriptor blob, IContentSource source, string? mountFrom, Action<long> sent,
        CancellationToken cancellationToken) =>
        new BlobUpload(_calls, Checked(repository), blob).RunAsync(source, mountFrom, sent, cancellationToken);

    /// <summary>Stores a manifest under a tag or its digest.</summary>
    public async Task PutManifestAsync(string repository, string selector, Manifest manifest, CancellationToken cancellationToken)
    {
        var call = ManifestCall(HttpMethod.Put, repository, selector, "pull,push") with { Accept = [], Content = _ => Body(manifest) };
        for (var attempt = 1; !await TryPutAsync(
            call, repository, manifest, attempt < Options.Retry.Attempts, cancellationToken); attempt++)
            await Task.Delay(Options.Retry.DelayAfter(attempt), Options.Time, cancellationToken);
    }

    // The digest is that of what is sent. A registry that says otherwise has read what another push of the same manifest was writing just
    // then (seen with Distribution 2.8), and takes it a moment later.
    private async Task<bool> TryPutAsync(
        RegistryCall call, string repository, Manifest manifest, bool mayRetry, CancellationToken cancellationToken)
    {
        using var response = await _calls.SendAsync(call, cancellationToken);
        if (response.StatusCode is HttpStatusCode.Created or HttpStatusCode.OK or HttpStatusCode.Accepted)
        {
            if (DigestOf(response) is { } stored && stored.Algorithm == manifest.Descriptor.Digest.Algorithm
                && stored != manifest.Descriptor.Digest)
                throw new RegistryException($"{Name} stored a manifest of {repository} with another digest, {stored}.");
            return true;
        }

        var exception =
            await response.ToExceptionAsync($"store the manifest {manifest.Descriptor.Digest} in {repository}", Options, cancellationToken);
        return exception.Code == "DIGEST_INVALID" && mayRetry ? false : throw exception;
    }

    /// <summary>Removes a manifest by digest, with all its tags, or a tag where the registry can remove tags alone.</summary>
    /// <returns>False when it was not there.</returns>
    /// <exception cref="RegistryException">The registry does not allow it.</exception>
    public async Task<bool> DeleteManifestAsync(string repository, string selector, CancellationToken cancellationToken)
    {
        var call = ManifestCall(HttpMethod.Delete, repository, selector, "pull,push,delete") with { Accept = [] };
        using var response = await _calls.SendAsync(call, cancellationToken);
        return response.StatusCode switch
        {
            HttpStatusCode.Accepted or HttpStatusCode.OK or HttpStatusCode.NoContent => true,
            HttpStatusCode.NotFound => false,
            HttpStatusCode.MethodNotAllowed => throw new RegistryException($"{Name} can't remove {repository}: deletes are not enabled.")
            {
                Status = response.StatusCode, Code = "UNSUPPORTED",
            },
            _ => throw await response.ToExceptionAsync($"remove {selector} from {repository}", Options, cancellationToken),
        };
    }

    /// <summary>Removes a tag; the manifest goes with it where the registry removes manifests only and nothing else needs it.</summary>
    /// <param name="repository">Where it is.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>False when it was not there.</returns>
    /// <exception cref="RegistryException">The registry does not allow it, or the manifest would go and something else needs it, which
    /// the message names; the code is <see cref="RegistryException.InUse"/> then.</exception>
    public Task<bool> RemoveTagAsync(string repository, string tag, CancellationToken cancellationToken) =>
        RemoveTagAsync(repository, tag, [], cancellationToken);

    /// <summary>The same where some digests of the repository have to stay whole, whether they have a tag or not.</summary>
    public Task<bool> RemoveTagAsync(
        string repository, string tag, IEnumerable<Digest> needed, CancellationToken cancellationToken) =>
        new TagRemoval(this, repository).RunAsync(tag, needed, cancellationToken);

    /// <summary>The tags of a repository in the registry's order; none when there is no such repository.</summary>
    public IAsyncEnumerable<string> TagsAsync(string repository, CancellationToken cancellationToken) =>
        Pages.ReadAsync(
            _calls, new RegistryCall(
                HttpMethod.Get, new Uri($"v2/{Checked(repository)}/tags/list?n=1000", UriKind.Relative), $"repository:{repository}:pull"),
            "tags", cancellationToken);

    /// <summary>The repositories of the registry, where it lists them.</summary>
    public IAsyncEnumerable<string> RepositoriesAsync(CancellationToken cancellationToken) =>
        Pages.ReadAsync(_calls, new RegistryCall(HttpMethod.Get, new Uri("v2/_catalog?n=1000", UriKind.Relative), "registry:catalog:*"),
            "repositories", cancellationToken);

    /// <summary>What refers to a manifest: by the referrers API, else by the tag that clients keep instead. In order of digests.</summary>
    public Task<IReadOnlyList<Descriptor>> ReferrersAsync(string repository, Digest subject, CancellationToken cancellationToken) =>
        new Referrers(_calls, this).ListAsync(Checked(repository), subject, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _calls.Dispose();
        _http.Dispose();
    }

    private async Task<Manifest?> GetManifestOnceAsync(string repository, string selector, CancellationToken cancellationToken)
    {
        var wanted = Digest.TryParse(selector, out var digest) ? digest : (Digest?)null;
        using var response = await _calls.SendAsync(ManifestCall(HttpMethod.Get, repository, selector, "pull"), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return null;
        if (response.StatusCode != HttpStatusCode.OK)
            throw await response.ToExceptionAsync($"give the manifest {selector} of {repository}", Options, cancellationToken);
        wanted ??= DigestOf(response);
        var bytes = await response.ReadBodyAsync(Manifest.LargestSize, Options, cancellationToken);
        if (wanted is { } expected && !expected.Matches(bytes.Span))
            throw new ContentException($"{Name} gives another manifest of {repository} than its digest {expected} says.");
        return ManifestReader.Read(bytes, response.Content.Headers.ContentType?.MediaType, wanted is { } known
            ? new Descriptor(response.Content.Headers.ContentType?.MediaType ?? "", known, bytes.Length) : null);
    }

    private static RegistryCall ManifestCall(HttpMethod method, string repository, string selector, string actions)
    {
        if (!ReferenceGrammar.IsTag(selector) && !Digest.TryParse(selector, out _))
            throw new ContentException($"'{Digest.Shorten(selector)}' is neither a tag nor a digest.");
        return new RegistryCall(method, new Uri($"v2/{Checked(repository)}/manifests/{selector}", UriKind.Relative),
            $"repository:{repository}:{actions}") { Accept = MediaTypes.AllManifests };
    }

    private static string Checked(string repository) =>
        ReferenceGrammar.IsRepository(repository) ? repository
            : throw new ContentException($"'{Digest.Shorten(repository)}' is not a repository.");

    private static ReadOnlyMemoryContent Body(Manifest manifest)
    {
        var content = new ReadOnlyMemoryContent(manifest.Bytes);
        content.Headers.ContentType = new(manifest.Descriptor.MediaType);
        return content;
    }

    private static Digest? DigestOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Docker-Content-Digest", out var values) && Digest.TryParse(values.First(), out var digest) ? digest
            : null;
}
