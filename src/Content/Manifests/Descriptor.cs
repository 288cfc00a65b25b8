using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Manifests;

/// <summary>Names content without holding it: type, digest and size.</summary>
/// <param name="MediaType">What it is.</param>
/// <param name="Digest">The digest of its bytes.</param>
/// <param name="Size">Its size in bytes.</param>
public sealed record Descriptor(string MediaType, Digest Digest, long Size)
{
    internal static readonly IReadOnlyDictionary<string, string> NoAnnotations = new Dictionary<string, string>();

    /// <summary>What it runs on; null where that is not said.</summary>
    public Platform? Platform { get; init; }

    /// <summary>The type of an artifact; null for images.</summary>
    public string? ArtifactType { get; init; }

    /// <summary>Free text about the content.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = NoAnnotations;

    /// <summary>True for a manifest or an index.</summary>
    public bool IsManifest => MediaTypes.IsManifest(MediaType);

    /// <inheritdoc/>
    public bool Equals(Descriptor? other) =>
        other is not null && MediaType == other.MediaType && Digest == other.Digest && Size == other.Size;

    /// <inheritdoc/>
    public override int GetHashCode() => Digest.GetHashCode();
}
