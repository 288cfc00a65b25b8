using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Manifests;

/// <summary>
/// A manifest or an index: OCI or Docker schema 2, with the bytes that its digest is of. Bytes are never written anew, so that a digest
/// stays what it is.
/// </summary>
public sealed class Manifest
{
    /// <summary>The largest manifest in bytes: what registries accept.</summary>
    public const int LargestSize = 4 << 20;

    internal Manifest(ReadOnlyMemory<byte> bytes, Descriptor descriptor)
    {
        Bytes = bytes;
        Descriptor = descriptor;
    }

    /// <summary>The manifest as it was received.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Type, digest and size.</summary>
    public Descriptor Descriptor { get; }

    /// <summary>The configuration; null for an index.</summary>
    public Descriptor? Config { get; internal init; }

    /// <summary>The layers in order; empty for an index.</summary>
    public IReadOnlyList<Descriptor> Layers { get; internal init; } = [];

    /// <summary>The manifests of an index in order; empty for a manifest.</summary>
    public IReadOnlyList<Descriptor> Children { get; internal init; } = [];

    /// <summary>What this refers to: it is a signature, an SBOM or the like of that. Null for what stands for itself.</summary>
    public Descriptor? Subject { get; internal init; }

    /// <summary>The type of an artifact; null for images.</summary>
    public string? ArtifactType { get; internal init; }

    /// <summary>Free text about the content.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; internal init; } = Descriptor.NoAnnotations;

    /// <summary>True for an index.</summary>
    public bool IsIndex => MediaTypes.IsIndex(Descriptor.MediaType);

    /// <summary>Configuration and layers that must lie beside the manifest, each once, in order; foreign layers lie elsewhere.</summary>
    public IEnumerable<Descriptor> Blobs =>
        (Config is null ? Layers : Layers.Prepend(Config))
            .Where(blob => !MediaTypes.IsForeignLayer(blob.MediaType)).DistinctBy(blob => blob.Digest);

    /// <summary>Reads a manifest and computes its digest.</summary>
    /// <param name="bytes">The manifest, at most 4 MiB.</param>
    /// <param name="mediaType">What it is said to be; null when only the manifest itself says so.</param>
    /// <exception cref="ContentException">It is not a manifest, or one of Docker's schema 1.</exception>
    public static Manifest Parse(ReadOnlyMemory<byte> bytes, string? mediaType = null) =>
        ManifestReader.Read(bytes, mediaType, expected: null);

    /// <summary>Reads a manifest that must be the described one.</summary>
    /// <exception cref="ContentException">It has another digest, size or type, or is not a manifest.</exception>
    public static Manifest Parse(ReadOnlyMemory<byte> bytes, Descriptor expected) =>
        ManifestReader.Read(bytes, expected.MediaType, expected);
}
