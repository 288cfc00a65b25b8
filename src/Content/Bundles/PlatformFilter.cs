using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Bundles;

/// <summary>Cuts an image down to some platforms without breaking a digest that somebody relies on.</summary>
internal sealed class PlatformFilter(IReadOnlyList<Platform> platforms, bool keepsIndexes, IReadOnlySet<Digest> pinned)
{
    private const string ProvenanceOf = "vnd.docker.reference.digest";

    /// <summary>The item as it goes into the bundle, which manifests of its indexes do, and sentences about what changed or could
    /// not.</summary>
    public async Task<FilteredItem> ApplyAsync(BundleItem item, bool withAttached, CancellationToken cancellationToken)
    {
        var all = new TreeOptions(withAttached);
        if (platforms.Count == 0 || !MediaTypes.IsIndex(item.Root.MediaType)
            || await item.Source.ReadManifestAsync(item.Root, cancellationToken) is not { } bytes)
            return new FilteredItem(item, all, []);
        var index = Manifest.Parse(bytes, item.Root);
        if (!index.Children.Any(child => child.Platform is not null && Wants(child.Platform)))
            throw new ContentException($"{item.Name} has none of the platforms {string.Join(", ", platforms)}: it has "
                + $"{string.Join(", ", index.Children.Select(child => child.Platform).OfType<Platform>().Distinct())}.");
        if (index.Children.All(child => Keeps(index, child)))
            return new FilteredItem(item, all, []);
        if (keepsIndexes)
        {
            var notice = $"{item.Name} keeps its index {item.Root.Digest} without the platforms that were left out; "
                + "not every registry accepts such an index.";
            return new FilteredItem(item, new TreeOptions(withAttached, Keeps), [notice]);
        }

        if (pinned.Contains(item.Root.Digest))
            return new FilteredItem(item, all,
                [$"{item.Name} is there with all platforms, because its digest {item.Root.Digest} is pinned."]);
        return await RewriteAsync(item, index, all, cancellationToken);
    }

    private async Task<FilteredItem> RewriteAsync(BundleItem item, Manifest index, TreeOptions all, CancellationToken cancellationToken)
    {
        var kept = ManifestWriter.Filter(index, child => Keeps(index, child));
        var notices = new List<string> { $"{item.Name} has another digest with these platforms alone: "
            + $"{kept.Descriptor.Digest} instead of {item.Root.Digest}." };
        if ((await item.Source.AttachedToAsync(item.Root.Digest, cancellationToken)).Count > 0)
            notices.Add($"{item.Name} is signed or described under {item.Root.Digest}, and that is left out with it.");
        return new FilteredItem(item with { Root = kept.Descriptor, Source = new OverlaidSource(item.Source, kept) }, all, notices);
    }

    // Build provenance stands in an index beside the image that it describes, for a platform "unknown".
    private bool Keeps(Manifest index, Descriptor child)
    {
        if (child.Annotations.TryGetValue(ProvenanceOf, out var described))
            return index.Children.Any(other => other.Digest.ToString() == described
                && Keeps(index, other with { Annotations = Descriptor.NoAnnotations }));
        return child.Platform is null || Wants(child.Platform);
    }

    private bool Wants(Platform platform) => platforms.Any(wanted => wanted.Includes(platform));
}

/// <summary>An item after the filter.</summary>
internal sealed record FilteredItem(BundleItem Item, TreeOptions Options, IReadOnlyList<string> Notices);

/// <summary>A source with one more manifest.</summary>
internal sealed class OverlaidSource(IContentSource source, Manifest manifest) : IContentSource
{
    public string Location => source.Location;

    public Task<ReadOnlyMemory<byte>?> ReadManifestAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        descriptor.Digest == manifest.Descriptor.Digest ? Task.FromResult<ReadOnlyMemory<byte>?>(manifest.Bytes)
            : source.ReadManifestAsync(descriptor, cancellationToken);

    public Task<Stream?> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken) =>
        source.OpenBlobAsync(descriptor, offset, cancellationToken);

    public Task<bool> HasBlobAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        source.HasBlobAsync(descriptor, cancellationToken);

    public async Task<IReadOnlyList<AttachedContent>> AttachedToAsync(Digest subject, CancellationToken cancellationToken) =>
        subject == manifest.Descriptor.Digest ? [] : await source.AttachedToAsync(subject, cancellationToken);
}
