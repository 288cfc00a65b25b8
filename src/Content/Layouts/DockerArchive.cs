using System.Text.Json;
using CapiRegistryHook.Content.Archives;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Layouts;

/// <summary>
/// What <c>docker save</c> writes, without a layout in it. Such an archive has no manifests, so one is made of its configuration and
/// layers: OCI, always the same for the same archive. Layers stay as they are, which is uncompressed.
/// </summary>
public sealed class DockerArchive : INamedSource
{
    internal const string ManifestName = "manifest.json";

    private const int LargestConfig = 8 << 20;
    private const int LargestList = 4 << 20;
    private const int MostImages = 1000;
    private const int MostLayers = 512;

    private readonly IFileSet _files;
    private readonly Dictionary<string, Descriptor> _layers = new(StringComparer.Ordinal);
    private readonly Dictionary<Digest, string> _blobs = [];
    private readonly Dictionary<Digest, Manifest> _manifests = [];
    private readonly List<NamedContent> _names = [];

    private DockerArchive(IFileSet files) => _files = files;

    /// <inheritdoc/>
    public string Location => _files.Location;

    /// <inheritdoc/>
    public IReadOnlyList<NamedContent> Names => _names;

    /// <summary>Reads the archive once, because nothing in it says what its layers' digests are.</summary>
    internal static async Task<DockerArchive> OpenAsync(IFileSet files, CancellationToken cancellationToken)
    {
        var archive = new DockerArchive(files);
        try
        {
            await archive.ReadAsync(cancellationToken);
            return archive;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Half a surrogate pair is an invalid operation.
            throw new ContentException($"{files.Location} is not a docker archive: {ManifestName} is not valid JSON.", exception);
        }
    }

    /// <inheritdoc/>
    public Task<ReadOnlyMemory<byte>?> ReadManifestAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        Task.FromResult(_manifests.TryGetValue(descriptor.Digest, out var manifest) ? manifest.Bytes : (ReadOnlyMemory<byte>?)null);

    /// <inheritdoc/>
    public Task<Stream?> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken) =>
        Task.FromResult(_blobs.TryGetValue(descriptor.Digest, out var path) ? _files.Open(path, offset) : null);

    /// <inheritdoc/>
    public Task<bool> HasBlobAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        Task.FromResult(_blobs.ContainsKey(descriptor.Digest));

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttachedContent>> AttachedToAsync(Digest subject, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<AttachedContent>>([]);

    /// <inheritdoc/>
    public void Dispose() => _files.Dispose();

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        using var document = JsonDocument.Parse(_files.ReadAll(ManifestName, LargestList) ?? throw Malformed("it has no manifest.json"));
        if (document.RootElement.ValueKind != JsonValueKind.Array || document.RootElement.GetArrayLength() > MostImages)
            throw Malformed($"manifest.json is not a list of at most {MostImages} images");
        foreach (var image in document.RootElement.EnumerateArray())
            await ReadImageAsync(image, cancellationToken);
    }

    private async Task ReadImageAsync(JsonElement image, CancellationToken cancellationToken)
    {
        var configPath = image.ValueKind == JsonValueKind.Object ? DescriptorJson.Text(image, "Config")
            ?? throw Malformed("an image has no Config") : throw Malformed("an image is not an object");
        var config = _files.ReadAll(configPath, LargestConfig) ?? throw Malformed($"'{configPath}' is missing");
        var layers = new List<Descriptor>();
        foreach (var path in Texts(image, "Layers"))
            layers.Add(await LayerAsync(path, cancellationToken));
        var diffIds = DiffIds(config);
        CheckLayers(layers, diffIds);
        var configBlob = new Descriptor(MediaTypes.OciConfig, Digest.Compute(config.Span), config.Length);
        _blobs.TryAdd(configBlob.Digest, configPath);
        Add(ManifestWriter.Image(configBlob, layers), Texts(image, "RepoTags"));
    }

    private void Add(Manifest manifest, List<string> tags)
    {
        _manifests.TryAdd(manifest.Descriptor.Digest, manifest);
        foreach (var tag in tags)
        {
            if (_names.Exists(name => name.Label == tag && name.Descriptor.Digest != manifest.Descriptor.Digest))
                throw Malformed($"two different images are named '{tag}'");
            _names.Add(new NamedContent(Reference.Parse(tag), manifest.Descriptor) { Label = tag });
        }

        if (tags.Count == 0)
            _names.Add(new NamedContent(null, manifest.Descriptor));
    }

    private async Task<Descriptor> LayerAsync(string path, CancellationToken cancellationToken)
    {
        if (_layers.TryGetValue(path, out var known))
            return known;
        await using var stream = _files.Open(path) ?? throw Malformed($"the layer '{path}' is missing");
        using var hash = new ContentHash();
        var buffer = new byte[1 << 17];
        var first = 0;
        for (int read; (read = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken)) > 0;)
        {
            first = hash.Length == 0 && read > 1 ? (buffer[0] << 8) | buffer[1] : first;
            hash.Append(buffer.AsSpan(0, read));
        }

        var size = hash.Length;
        var layer = new Descriptor(first == 0x1F8B ? MediaTypes.OciLayer + "+gzip" : MediaTypes.OciLayer, hash.Finish(), size);
        _layers.Add(path, layer);
        _blobs.TryAdd(layer.Digest, path);
        return layer;
    }

    // An uncompressed layer has the digest that the configuration was made with.
    private void CheckLayers(List<Descriptor> layers, List<string> diffIds)
    {
        if (layers.Count != diffIds.Count)
            throw Malformed($"an image has {layers.Count} layers and its configuration lists {diffIds.Count}");
        var wrong = layers.Zip(diffIds).FirstOrDefault(pair => pair.First.MediaType == MediaTypes.OciLayer
            && pair.First.Digest.ToString() != pair.Second);
        if (wrong.First is not null)
            throw Malformed($"a layer has the digest {wrong.First.Digest} where the configuration says {Digest.Shorten(wrong.Second)}");
    }

    private List<string> DiffIds(ReadOnlyMemory<byte> config)
    {
        using var document = JsonDocument.Parse(config);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("rootfs", out var root)
            || root.ValueKind != JsonValueKind.Object)
            throw Malformed("a configuration has no rootfs");
        return Texts(root, "diff_ids");
    }

    private List<string> Texts(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out var list) || list.ValueKind == JsonValueKind.Null)
            return [];
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > MostLayers)
            throw Malformed($"{name} is not a list of at most {MostLayers} strings");
        return [.. list.EnumerateArray()
            .Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()!
            : throw Malformed($"{name} is not a list of strings"))];
    }

    private ContentException Malformed(string reason) => new($"{Location} is not a docker archive that can be used: {reason}.");
}
