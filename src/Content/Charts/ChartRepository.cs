using System.Net;
using System.Text;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace CapiRegistryHook.Content.Charts;

/// <summary>A chart in a classic repository.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Url">Where its archive is.</param>
/// <param name="Digest">What the archive must have; null when the repository does not say.</param>
public sealed record ChartLocation(string Version, Uri Url, Digest? Digest);

/// <summary>A classic chart repository: an index.yaml and archives over https.</summary>
public sealed class ChartRepository : IDisposable
{
    private const int LargestIndex = 64 << 20;
    private const long LargestArchive = 100 << 20;

    private readonly HttpClient _http;
    private readonly RegistryCalls _calls;
    private readonly Uri _address;
    private readonly RegistryOptions _options;

    /// <summary>A repository.</summary>
    /// <param name="handler">The connections; not disposed here, and must not follow redirects.</param>
    /// <param name="address">The folder that index.yaml is in; https, or http on a loopback address.</param>
    /// <param name="options">How it is called; its login is used for this host alone.</param>
    /// <exception cref="ContentException">The address is not one of a repository.</exception>
    public ChartRepository(HttpMessageHandler handler, Uri address, RegistryOptions? options = null)
    {
        if (address.Scheme != Uri.UriSchemeHttps && !(address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
            throw new ContentException($"{address} is not the address of a chart repository: use https, or oci for a registry.");
        _address = address.AbsoluteUri.EndsWith('/') ? address : new Uri(address.AbsoluteUri + "/");
        _options = options ?? new RegistryOptions();
        _http = new HttpClient(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        _calls = new RegistryCalls(_http, new Uri(_address.GetLeftPart(UriPartial.Authority) + "/"), _options);
    }

    /// <summary>Finds a chart.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="version">Its exact version; null for the newest release.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="ContentException">It is not there, or the index is not one.</exception>
    public async Task<ChartLocation> FindAsync(string name, string? version, CancellationToken cancellationToken)
    {
        using var response = await GetAsync(new Uri(_address, "index.yaml"), cancellationToken);
        var index = await response.ReadBodyAsync(LargestIndex, _options, cancellationToken);
        var all = Read(index, name);
        var found = version is null ? all
            .Where(chart => !ChartVersion.IsPrerelease(chart.Version)).MaxBy(chart => chart.Version, ChartVersion.Order)
            : all.Find(chart => chart.Version == version);
        return found
            ?? throw new ContentException($"{_address} has no chart "
                + $"{Digest.Shorten(name)}{(version is null ? "" : $" of version {Digest.Shorten(version)}")}.");
    }

    /// <summary>Downloads a chart into a file and verifies it where the repository gave a digest.</summary>
    /// <exception cref="ContentException">It is not what the repository said, or too large.</exception>
    public async Task DownloadAsync(ChartLocation chart, string path, CancellationToken cancellationToken)
    {
        using var response = await GetAsync(chart.Url, cancellationToken);
        await using var content = new BodyStream(await response.Content.ReadAsStreamAsync(cancellationToken), response, _options);
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None);
        using var hash = new ContentHash();
        var buffer = new byte[1 << 16];
        for (int read; (read = await content.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            hash.Append(buffer.AsSpan(0, read));
            if (hash.Length > LargestArchive)
                throw new ContentException($"{chart.Url} has more than {LargestArchive >> 20} MiB, more than a chart may have.");
            await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }

        if (hash.Finish() is var actual && chart.Digest is { } expected && actual != expected)
            throw new ContentException($"{chart.Url} has the digest {actual}, and its repository says {expected}.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _calls.Dispose();
        _http.Dispose();
    }

    private async Task<HttpResponseMessage> GetAsync(Uri target, CancellationToken cancellationToken)
    {
        var isOwn = target.Scheme == _address.Scheme && target.Authority == _address.Authority;
        if (target.UserInfo.Length > 0 || (target.Scheme != Uri.UriSchemeHttps && !isOwn))
            throw new ContentException($"{_address} has a chart at {target}, which is not an https address.");
        var response = await _calls.SendAsync(new RegistryCall(HttpMethod.Get, target, ""), cancellationToken);
        if (response.StatusCode == HttpStatusCode.OK)
            return response;
        using (response)
            throw await response.ToExceptionAsync($"give {target.AbsolutePath}", _options, cancellationToken);
    }

    // Indexes have tens of megabytes, so only the wanted chart's entries are taken from the stream of events.
    private List<ChartLocation> Read(ReadOnlyMemory<byte> index, string name)
    {
        try
        {
            var parser = new Parser(new StringReader(Encoding.UTF8.GetString(index.Span)));
            parser.Consume<StreamStart>();
            parser.Consume<DocumentStart>();
            return Find(parser, "entries") && Find(parser, name) ? Versions(parser, name) : [];
        }
        catch (YamlException exception)
        {
            throw new ContentException($"The index.yaml of {_address} is not valid YAML: line {exception.Start.Line}.", exception);
        }
    }

    // Goes to the value of a key of the mapping that begins here.
    private static bool Find(Parser parser, string key)
    {
        if (!parser.TryConsume<MappingStart>(out _))
            return false;
        while (parser.TryConsume<Scalar>(out var current))
        {
            if (current.Value == key)
                return true;
            parser.SkipThisAndNestedEvents();
        }

        return false;
    }

    private List<ChartLocation> Versions(Parser parser, string name)
    {
        var versions = new List<ChartLocation>();
        parser.Consume<SequenceStart>();
        while (parser.TryConsume<MappingStart>(out _))
        {
            var (version, digest, url) = Version(parser);
            if (version is null || url is null || !Uri.TryCreate(_address, url, out var target))
                continue;
            versions.Add(new ChartLocation(version, target, Digest.TryParse($"sha256:{digest}", out var known)
                || Digest.TryParse(digest, out known) ? known : null));
        }

        return versions;
    }

    private static (string? Version, string? Digest, string? Url) Version(Parser parser)
    {
        (string? Version, string? Digest, string? Url) found = default;
        while (parser.TryConsume<Scalar>(out var key))
        {
            if (key.Value == "version" && parser.Accept<Scalar>(out var version))
                found.Version = version.Value;
            else if (key.Value == "digest" && parser.Accept<Scalar>(out var digest))
                found.Digest = digest.Value;
            else if (key.Value == "urls" && parser.TryConsume<SequenceStart>(out _))
            {
                found.Url = parser.Accept<Scalar>(out var url) ? url.Value : null;
                while (!parser.TryConsume<SequenceEnd>(out _))
                    parser.SkipThisAndNestedEvents();
                continue;
            }

            parser.SkipThisAndNestedEvents();
        }

        parser.Consume<MappingEnd>();
        return found;
    }
}
