using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Copying;

/// <summary>Something that goes to a registry.</summary>
/// <param name="Label">What it is called in messages: its full name.</param>
/// <param name="Source">Where it is read.</param>
/// <param name="Root">Its manifest or index.</param>
/// <param name="Repository">The repository that it goes to.</param>
/// <param name="Tag">The tag that it gets there; null for none.</param>
public sealed record CopyItem(string Label, IContentSource Source, Descriptor Root, string Repository, string? Tag);

/// <summary>How content is copied.</summary>
public sealed record CopyOptions
{
    /// <summary>Blobs that are sent at once, 1 or more; 4 by default.</summary>
    public int Workers { get; init; } = 4;

    /// <summary>Signatures, SBOMs and other referrers go along; true by default.</summary>
    public bool WithAttached { get; init; } = true;

    /// <summary>Indexes are sent even when manifests that they name are nowhere; the registry decides then. False by default.</summary>
    public bool AllowsSparseIndexes { get; init; }

    /// <summary>
    /// Items that are planned and copied together, 1 or more; all of them by default. The manifests of so many are in memory at once.
    /// </summary>
    public int GroupSize { get; init; } = int.MaxValue;

    /// <summary>The most bytes of manifests of such a group; 256 MiB by default. In memory they take a few times that.</summary>
    public long LargestManifests { get; init; } = TreeWalk.LargestManifests;

    /// <summary>Gets every change; null for nobody.</summary>
    public IProgress<TransferProgress>? Progress { get; init; }
}

/// <summary>What came of copying, or would come of it.</summary>
/// <param name="BytesSent">Bytes of blobs that went out, resent ones too; for a plan those that would go.</param>
/// <param name="BlobsSent">Blobs that went out.</param>
/// <param name="BlobsMounted">Blobs that the registry had in another repository.</param>
/// <param name="BlobsSkipped">Blobs that were there.</param>
/// <param name="ManifestsSent">Manifests and tags that were written.</param>
/// <param name="Copied">Labels of what is complete in the registry, in the order given.</param>
/// <param name="Failures">What is not, in the order given.</param>
public sealed record CopyReport(long BytesSent, int BlobsSent, int BlobsMounted, int BlobsSkipped, int ManifestsSent,
    IReadOnlyList<string> Copied, IReadOnlyList<CopyFailure> Failures)
{
    /// <summary>What came of two copies to the same registry.</summary>
    /// <param name="later">The second one.</param>
    public CopyReport With(CopyReport later) => new(BytesSent + later.BytesSent, BlobsSent + later.BlobsSent,
        BlobsMounted + later.BlobsMounted, BlobsSkipped + later.BlobsSkipped, ManifestsSent + later.ManifestsSent,
        [.. Copied, .. later.Copied], [.. Failures, .. later.Failures]);
}

/// <summary>Why something was not copied.</summary>
/// <param name="Label">What.</param>
/// <param name="Reason">One sentence.</param>
public sealed record CopyFailure(string Label, string Reason);
