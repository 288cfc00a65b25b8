using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Sources;

/// <summary>An artifact with one layer, in memory. Same input, same digest.</summary>
public sealed class MemoryArtifact : IContentSource
{
    private readonly Manifest _manifest;
    private readonly Dictionary<Digest, ReadOnlyMemory<byte>> _blobs;

    /// <summary>Makes it.</summary>
    /// <param name="location">What it is called in messages.</param>
    /// <param name="type">The type of the artifact.</param>
    /// <param name="layerType">The type of its layer.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="annotations">Free text about it.</param>
    public MemoryArtifact(
        string location, string type, string layerType, ReadOnlyMemory<byte> layer, IReadOnlyDictionary<string, string> annotations)
    {
        Location = location;
        var config = Describe(MediaTypes.Empty, ManifestWriter.EmptyConfig);
        var only = Describe(layerType, layer);
        _blobs = new Dictionary<Digest, ReadOnlyMemory<byte>> { [config.Digest] = ManifestWriter.EmptyConfig, [only.Digest] = layer };
        _manifest = ManifestWriter.Image(config, [only], type, annotations);
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <summary>Its manifest.</summary>
    public Descriptor Root => _manifest.Descriptor;

    /// <inheritdoc/>
    public Task<ReadOnlyMemory<byte>?> ReadManifestAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        Task.FromResult(descriptor.Digest == Root.Digest ? _manifest.Bytes : (ReadOnlyMemory<byte>?)null);

    /// <inheritdoc/>
    public Task<Stream?> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken) =>
        Task.FromResult<Stream?>(_blobs.TryGetValue(descriptor.Digest, out var blob) && offset <= blob.Length
            ? new MemoryStream(blob[(int)offset..].ToArray(), writable: false) : null);

    /// <inheritdoc/>
    public Task<bool> HasBlobAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        Task.FromResult(_blobs.ContainsKey(descriptor.Digest));

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttachedContent>> AttachedToAsync(Digest subject, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<AttachedContent>>([]);

    private static Descriptor Describe(string type, ReadOnlyMemory<byte> content) =>
        new(type, Digest.Compute(content.Span), content.Length);
}
