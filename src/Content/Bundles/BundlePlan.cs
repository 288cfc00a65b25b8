using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Bundles;

/// <summary>Everything that a bundle will hold, known before its first byte is written: names, manifests, and blobs with their
/// sizes.</summary>
internal sealed class BundlePlan
{
    private readonly SortedDictionary<string, Descriptor> _entries = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, ContentSummary> _summaries = new(StringComparer.Ordinal);
    private readonly Dictionary<Digest, long> _leftOut = [];

    private BundlePlan()
    {
    }

    /// <summary>Files that are written from memory, by path.</summary>
    public SortedDictionary<string, ReadOnlyMemory<byte>> Small { get; } = new(StringComparer.Ordinal);

    /// <summary>Blobs that are read while the bundle is written, by path.</summary>
    public SortedDictionary<string, (IContentSource Source, Descriptor Blob)> Large { get; } = new(StringComparer.Ordinal);

    public List<string> Notices { get; } = [];

    public BundleLock Lock { get; private set; } = new([], new Dictionary<Digest, long>(), new Dictionary<Digest, long>());

    public static async Task<BundlePlan> MakeAsync(
        IReadOnlyList<BundleItem> items, BundleOptions options, CancellationToken cancellationToken)
    {
        var plan = new BundlePlan();
        var pinned = items.Select(item => item.Name.Digest).OfType<Digest>().ToHashSet();
        var filter = new PlatformFilter(options.Platforms, options.KeepsIndexes, pinned);
        var groups = items.GroupBy(item => item.Name.ToString(), StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal);
        var wanted = groups.Select(group => Merge([.. group])).ToList();
        var read = new ReadItem[wanted.Count];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, options.Workers), CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(wanted.Index(), parallel,
            async (entry, token) => read[entry.Index] = await ReadAsync(entry.Item, filter, options, token));
        // In the order of names, whoever was read first.
        foreach (var item in read)
            plan.Add(item, options.OlderBundle);
        plan.Complete();
        return plan;
    }

    private static BundleItem Merge(IReadOnlyList<BundleItem> same)
    {
        if (same.FirstOrDefault(item => item.Root.Digest != same[0].Root.Digest) is { } other)
            throw new ContentException($"{other.Name} is wanted twice with different content: {same[0].Root.Digest} from "
                + $"{same[0].Source.Location} and {other.Root.Digest} from {other.Source.Location}.");
        if (same[0].Name.Digest is { } pinned && pinned != same[0].Root.Digest)
            throw new ContentException($"{same[0].Name} has the digest {same[0].Root.Digest} in {same[0].Source.Location}.");
        return same[0] with { Why = [.. same.SelectMany(item => item.Why).Distinct().Order(StringComparer.Ordinal)] };
    }

    private static async Task<ReadItem> ReadAsync(
        BundleItem wanted, PlatformFilter filter, BundleOptions options, CancellationToken cancellationToken)
    {
        var (item, treeOptions, notices) = await filter.ApplyAsync(wanted, options.WithAttached, cancellationToken);
        var tree = await ContentTree.ReadAsync(item.Source, item.Root, treeOptions, cancellationToken);
        if (tree.MissingManifests.Count > 0)
            throw new ContentException($"{item.Name} is not complete in {item.Source.Location}: the manifest "
                + $"{tree.MissingManifests[0].Digest} is missing.");
        var summary = await ContentSummary.ReadAsync(item.Source, item.Name.ToString(), tree, cancellationToken);
        return new ReadItem(item, tree, notices,
            summary with { Why = item.Why, Upstream = item.Root.Digest == wanted.Root.Digest ? null : wanted.Root.Digest });
    }

    private void Add(ReadItem read, BundleLock? older)
    {
        var (item, tree) = (read.Item, read.Tree);
        foreach (var manifest in tree.Manifests)
            Small.TryAdd(OciLayout.PathOf(manifest.Descriptor.Digest), manifest.Bytes);
        foreach (var blob in tree.Blobs)
            AddBlob(item, blob, older);
        var name = item.Name.ToString();
        var root = tree.Manifests.First(manifest => manifest.Descriptor.Digest == item.Root.Digest);
        var annotations = new Dictionary<string, string> { [LayoutNames.RefName] = name, [LayoutNames.FullName] = name };
        _entries[name] = root.Descriptor with { ArtifactType = root.ArtifactType, Annotations = annotations };
        foreach (var attached in tree.Attached)
            AddAttached(item.Name, attached, tree);
        _summaries[name] = read.Summary;
        Notices.AddRange(read.Notices);
    }

    private void AddBlob(BundleItem item, Descriptor blob, BundleLock? older)
    {
        var path = OciLayout.PathOf(blob.Digest);
        if (Large.TryGetValue(path, out var known) && known.Blob.Size != blob.Size)
            throw new ContentException($"The blob {blob.Digest} has {known.Blob.Size} bytes in {known.Source.Location} and {blob.Size} "
                + $"in {item.Source.Location}.");
        if (older?.Has(blob.Digest) == true)
            _leftOut[blob.Digest] = blob.Size;
        else
            Large.TryAdd(path, (item.Source, blob));
    }

    private void AddAttached(Reference name, AttachedContent attached, ContentTree tree)
    {
        var manifest = tree.Manifests.First(manifest => manifest.Descriptor.Digest == attached.Descriptor.Digest);
        var subject = attached.Tag is { } tag ? LayoutNames.SubjectOf(tag) : manifest.Subject?.Digest;
        if (subject is not { } described)
            return;
        var annotations = new Dictionary<string, string> { [LayoutNames.AttachedTo] = described.ToString() };
        if (attached.Tag is not null)
            annotations[LayoutNames.AttachedTag] = attached.Tag;
        // A name of its own lets other tools copy it too.
        var full = name.With(attached.Tag, attached.Tag is null ? manifest.Descriptor.Digest : null).ToString();
        annotations[LayoutNames.RefName] = full;
        _entries[full] = manifest.Descriptor with { ArtifactType = manifest.ArtifactType, Annotations = annotations };
    }

    private void Complete()
    {
        foreach (var path in Small.Keys)
            Large.Remove(path);
        var blobs = Large.Values.ToDictionary(pair => pair.Blob.Digest, pair => pair.Blob.Size);
        Lock = new BundleLock([.. _summaries.Values], blobs, _leftOut);
        var json = Lock.ToJson();
        if (json.Length > BundleLock.LargestSize)
            throw new ContentException($"The lock of this bundle would have {json.Length} bytes; "
                + $"at most {BundleLock.LargestSize} can be read again: make several bundles.");
        var config = AddBlob(MediaTypes.Empty, ManifestWriter.EmptyConfig);
        var manifest = ManifestWriter.Image(config, [AddBlob(LayoutNames.LockType, json)], LayoutNames.LockType);
        Small[OciLayout.PathOf(manifest.Descriptor.Digest)] = manifest.Bytes;
        var index = ManifestWriter.Index([.. _entries.Values, manifest.Descriptor with { ArtifactType = LayoutNames.LockType }]);
        Small[OciLayout.MarkerName] = "{\"imageLayoutVersion\":\"1.0.0\"}"u8.ToArray();
        Small[OciLayout.IndexName] = index.Bytes;
    }

    private Descriptor AddBlob(string mediaType, ReadOnlyMemory<byte> content)
    {
        var blob = new Descriptor(mediaType, Digest.Compute(content.Span), content.Length);
        Small[OciLayout.PathOf(blob.Digest)] = content;
        Large.Remove(OciLayout.PathOf(blob.Digest));
        return blob;
    }

    private sealed record ReadItem(BundleItem Item, ContentTree Tree, IReadOnlyList<string> Notices, ContentSummary Summary);
}
