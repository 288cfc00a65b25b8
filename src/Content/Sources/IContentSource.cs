using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Sources;

/// <summary>A place that content is read from: a repository of a registry, a layout, an archive, a chart. What it gives is not verified
/// yet.</summary>
public interface IContentSource
{
    /// <summary>What the place is called in messages.</summary>
    string Location { get; }

    /// <summary>The bytes of a manifest; null when it is not there.</summary>
    Task<ReadOnlyMemory<byte>?> ReadManifestAsync(Descriptor descriptor, CancellationToken cancellationToken);

    /// <summary>A blob from an offset on; null when it is not there. The caller disposes it.</summary>
    Task<Stream?> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken);

    /// <summary>Whether a blob is there, without reading it.</summary>
    Task<bool> HasBlobAsync(Descriptor descriptor, CancellationToken cancellationToken);

    /// <summary>Signatures, SBOMs and the like of a manifest, by its digest, in a fixed order.</summary>
    Task<IReadOnlyList<AttachedContent>> AttachedToAsync(Digest subject, CancellationToken cancellationToken);
}

/// <summary>Content that belongs to other content.</summary>
/// <param name="Descriptor">Its manifest.</param>
/// <param name="Tag">The tag by which cosign finds it; null where its subject is enough.</param>
public sealed record AttachedContent(Descriptor Descriptor, string? Tag);

/// <summary>A source that knows which content it holds.</summary>
public interface INamedSource : IContentSource, IDisposable
{
    /// <summary>What it holds, in order.</summary>
    IReadOnlyList<NamedContent> Names { get; }
}

/// <summary>One entry of a source.</summary>
/// <param name="Name">The name in full; null where the source has a bare tag or nothing.</param>
/// <param name="Descriptor">Its manifest or index.</param>
public sealed record NamedContent(Reference? Name, Descriptor Descriptor)
{
    /// <summary>The name as the source has it; null for none.</summary>
    public string? Label { get; init; }
}
