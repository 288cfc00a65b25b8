using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Sources;

/// <summary>Everything that a manifest or index leads to, read and verified by digest: what must be in one place for it to be
/// usable.</summary>
public sealed class ContentTree
{
    internal ContentTree(Descriptor root, TreeFindings findings)
    {
        Root = root;
        Manifests = findings.Manifests;
        Attached = findings.Attached;
        MissingManifests = findings.Missing;
        Blobs = [.. findings.Blobs.Values];
    }

    /// <summary>Where it starts.</summary>
    public Descriptor Root { get; }

    /// <summary>Each manifest once, those that others need before the others.</summary>
    public IReadOnlyList<Manifest> Manifests { get; }

    /// <summary>Signatures, SBOMs and the like of these manifests; their own manifests are among <see cref="Manifests"/>.</summary>
    public IReadOnlyList<AttachedContent> Attached { get; }

    /// <summary>Manifests that are named and not there.</summary>
    public IReadOnlyList<Descriptor> MissingManifests { get; }

    /// <summary>Each blob once, in the order in which manifests name them. Whether they are there has not been looked at.</summary>
    public IReadOnlyList<Descriptor> Blobs { get; }

    /// <summary>What an image runs on: from the descriptors of the index; empty for content of one manifest without a platform.</summary>
    public IReadOnlyList<Platform> Platforms =>
        [.. Manifests.Where(manifest => manifest.IsIndex).SelectMany(index => index.Children)
            .Where(child => Manifests.Any(manifest => manifest.Descriptor.Digest == child.Digest))
            .Select(child => child.Platform).OfType<Platform>().Where(platform => platform.Os != "unknown").Distinct()];

    /// <summary>The size of all blobs and manifests in bytes.</summary>
    public long Size => Blobs.Sum(blob => blob.Size) + Manifests.Sum(manifest => manifest.Descriptor.Size);

    /// <summary>Reads a tree.</summary>
    /// <param name="source">Where it lies.</param>
    /// <param name="root">Where it starts.</param>
    /// <param name="options">What belongs to it.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ContentException">A manifest is not what its digest says, or the tree is too deep or too large.</exception>
    public static async Task<ContentTree> ReadAsync(
        IContentSource source, Descriptor root, TreeOptions options, CancellationToken cancellationToken)
    {
        var walk = new TreeWalk(source, options);
        await walk.VisitAsync(root, depth: 0, cancellationToken);
        await walk.VisitAttachedAsync(cancellationToken);
        return new ContentTree(root, walk.Findings);
    }
}

/// <summary>What belongs to a tree.</summary>
/// <param name="WithAttached">Signatures, SBOMs and other referrers too.</param>
/// <param name="Includes">Which manifests of an index are read; null for all.</param>
public sealed record TreeOptions(bool WithAttached = true, Func<Manifest, Descriptor, bool>? Includes = null)
{
    /// <summary>What manifests may take in memory, this tree's and others'; null for a bound of its own.</summary>
    public ManifestAllowance? Allowance { get; init; }
}
