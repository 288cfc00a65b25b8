using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Bundles;

/// <summary>Something that goes into a bundle.</summary>
/// <param name="Name">The name under which it is found there, which is the name that manifests use. A digest in it must be that of the
/// content.</param>
/// <param name="Source">Where it is read.</param>
/// <param name="Root">Its manifest or index.</param>
public sealed record BundleItem(Reference Name, IContentSource Source, Descriptor Root)
{
    /// <summary>Where the wish for it came from.</summary>
    public IReadOnlyList<string> Why { get; init; } = [];
}

/// <summary>How a bundle is made.</summary>
public sealed record BundleOptions
{
    /// <summary>The platforms that are kept; all when there are none.</summary>
    public IReadOnlyList<Platform> Platforms { get; init; } = [];

    /// <summary>
    /// What is done with an index when some of its platforms are left out. False: it is written anew and has another digest, unless
    /// something
    /// pins its digest, in which case all platforms stay. True: it stays as it is and names manifests that are not there, which not every
    /// registry accepts.
    /// </summary>
    public bool KeepsIndexes { get; init; }

    /// <summary>Signatures, SBOMs and other referrers come along; true by default.</summary>
    public bool WithAttached { get; init; } = true;

    /// <summary>The lock of an older bundle whose blobs are left out; null for none.</summary>
    public BundleLock? OlderBundle { get; init; }

    /// <summary>Blobs that are read at once, 1 or more; 4 by default.</summary>
    public int Workers { get; init; } = 4;

    /// <summary>Gets every change; null for nobody.</summary>
    public IProgress<TransferProgress>? Progress { get; init; }

    /// <summary>How often a read that broke off goes on.</summary>
    public RetryPolicy Retry { get; init; } = RetryPolicy.Default;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>What came of making a bundle.</summary>
/// <param name="Lock">What is in it.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Notices">Sentences that somebody has to know, such as a digest that a platform filter changed.</param>
public sealed record BundleReport(BundleLock Lock, long Size, IReadOnlyList<string> Notices);
