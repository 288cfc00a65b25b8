using System.Collections.Concurrent;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Sources;

/// <summary>
/// A source whose manifests are read once, for content that goes to many registries. Blobs are read each time. What belongs to a manifest
/// is found once too, so a cache is made anew to find later signatures.
/// </summary>
/// <param name="source">The source.</param>
/// <param name="mayKeep">Asked whether so many more bytes may be kept.</param>
public sealed class ManifestCache(IContentSource source, Func<long, bool> mayKeep) : IContentSource
{
    /// <summary>About what a descriptor takes in memory.</summary>
    private const long DescriptorSize = 512;

    private readonly ConcurrentDictionary<Digest, ReadOnlyMemory<byte>> _manifests = [];
    private readonly ConcurrentDictionary<Digest, IReadOnlyList<AttachedContent>> _attached = [];

    /// <inheritdoc/>
    public string Location => source.Location;

    /// <inheritdoc/>
    public async Task<ReadOnlyMemory<byte>?> ReadManifestAsync(Descriptor descriptor, CancellationToken cancellationToken)
    {
        if (_manifests.TryGetValue(descriptor.Digest, out var known))
            return known;
        var read = await source.ReadManifestAsync(descriptor, cancellationToken);
        if (read is { } bytes && descriptor.Digest.Matches(bytes.Span) && mayKeep(bytes.Length))
            _manifests[descriptor.Digest] = bytes;
        return read;
    }

    /// <inheritdoc/>
    public Task<Stream?> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken) =>
        source.OpenBlobAsync(descriptor, offset, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> HasBlobAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        source.HasBlobAsync(descriptor, cancellationToken);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<AttachedContent>> AttachedToAsync(Digest subject, CancellationToken cancellationToken)
    {
        if (_attached.TryGetValue(subject, out var known))
            return known;
        var found = await source.AttachedToAsync(subject, cancellationToken);
        if (mayKeep((found.Count + 1) * DescriptorSize))
            _attached[subject] = found;
        return found;
    }
}
