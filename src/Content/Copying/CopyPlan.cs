using System.Collections.Concurrent;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Copying;

/// <summary>What has to be sent: found out, and checked against the sources, before anything is.</summary>
/// <param name="target">The registry.</param>
/// <param name="options">How it is copied.</param>
/// <param name="known">Repositories of the registry that have blobs, as far as that is known.</param>
internal sealed class CopyPlan(RegistryClient target, CopyOptions options, IReadOnlyDictionary<Digest, string> known)
{
    private readonly ConcurrentDictionary<string, string> _failures = new(StringComparer.Ordinal);
    private readonly ManifestAllowance _manifests = new(options.LargestManifests);

    /// <summary>Items that can be copied, with all that they need, in order.</summary>
    public List<PlannedItem> Items { get; } = [];

    /// <summary>Each blob with the repositories that it belongs to.</summary>
    public OrderedDictionary<Digest, PlannedBlob> Blobs { get; } = [];

    public IReadOnlyDictionary<string, string> Failures => _failures;

    /// <summary>Makes it.</summary>
    /// <param name="items">What is copied.</param>
    /// <param name="mayLeave">Whether items are left for another plan when their manifests find no room beside the others; else they
    /// fail.</param>
    /// <param name="cancellationToken">Ends the making.</param>
    /// <returns>The items that were left.</returns>
    public async Task<IReadOnlyList<CopyItem>> MakeAsync(
        IReadOnlyList<CopyItem> items, bool mayLeave, CancellationToken cancellationToken)
    {
        var trees = new ContentTree?[items.Count];
        var left = new ConcurrentQueue<CopyItem>();
        await ForEachAsync(Enumerable.Range(0, items.Count), async (place, token) =>
            trees[place] = await TryAsync(items[place].Label, async () =>
            {
                try
                {
                    return await ReadAsync(items[place], token);
                }
                catch (ManifestAllowanceException) when (mayLeave)
                {
                    left.Enqueue(items[place]);
                    return null;
                }
            }), cancellationToken);
        foreach (var (item, tree) in items.Zip(trees))
        {
            if (tree is not null)
                Add(new PlannedItem(item, tree));
        }

        await ForEachAsync(Blobs.Values, LookAsync, cancellationToken);
        Items.RemoveAll(item => _failures.ContainsKey(item.Item.Label));
        return [.. left];
    }

    /// <summary>Refuses what could not be copied in any order.</summary>
    /// <exception cref="ContentException">Two items want the same place.</exception>
    public static void RefuseTwoUnderOneTag(IReadOnlyList<CopyItem> items)
    {
        var tags = new Dictionary<string, CopyItem>(StringComparer.Ordinal);
        foreach (var item in items.Where(item => item.Tag is not null))
        {
            var path = $"{item.Repository}:{item.Tag}";
            if (!tags.TryAdd(path, item) && tags[path].Root.Digest != item.Root.Digest)
                throw new ContentException(
                    $"{tags[path].Label} and {item.Label} are different content for the same place in the registry, {path}.");
        }
    }

    private async Task<ContentTree> ReadAsync(CopyItem item, CancellationToken cancellationToken)
    {
        var tree = await ContentTree.ReadAsync(
            item.Source, item.Root, new TreeOptions(options.WithAttached) { Allowance = _manifests }, cancellationToken);
        foreach (var missing in tree.MissingManifests)
        {
            // What is the root is never there by chance; what an index names may have come with an older bundle.
            var isThere = await target.ResolveAsync(item.Repository, missing.Digest.ToString(), cancellationToken) is not null;
            if (!isThere && (missing.Digest == item.Root.Digest || !options.AllowsSparseIndexes))
                throw new ContentException(
                    $"The manifest {missing.Digest} is neither in {item.Source.Location} nor in {target.Name}/{item.Repository}.");
        }

        return tree;
    }

    private void Add(PlannedItem item)
    {
        Items.Add(item);
        foreach (var blob in item.Tree.Blobs)
        {
            if (!Blobs.TryGetValue(blob.Digest, out var planned))
                Blobs.Add(blob.Digest, planned = new PlannedBlob(blob) { Elsewhere = known.GetValueOrDefault(blob.Digest) });
            if (planned.Blob.Size != blob.Size)
                throw new ContentException(
                    $"The blob {blob.Digest} has {planned.Blob.Size} bytes in one source and {blob.Size} in {item.Item.Source.Location}.");
            planned.Wanted.Add((item.Item.Repository, item.Item));
        }
    }

    private async Task LookAsync(PlannedBlob blob, CancellationToken cancellationToken)
    {
        var all = blob.Wanted.GroupBy(wanted => wanted.Repository, wanted => wanted.Item).ToList();
        foreach (var repository in all)
            await TryAsync(Labels(repository),
                async () =>
                (await target.HasBlobAsync(repository.Key, blob.Blob.Digest, cancellationToken) ? blob.There
                : blob.Missing).Add(repository.Key));
        foreach (var repository in all.Where(repository => blob.Missing.Contains(repository.Key)))
            await TryAsync(Labels(repository), () => FindAsync(blob, [.. repository], cancellationToken));
    }

    private async Task FindAsync(PlannedBlob blob, IReadOnlyList<CopyItem> items, CancellationToken cancellationToken)
    {
        foreach (var item in items.Where(_ => blob.Source is null))
            blob.Source = await item.Source.HasBlobAsync(blob.Blob, cancellationToken) ? item.Source : null;
        // Another repository of the registry may have it, and it is mounted from there.
        if (blob.Source is null && blob.There.Count == 0 && blob.Elsewhere is null)
            throw new ContentException($"The blob {blob.Blob.Digest} is neither in {items[0].Source.Location} nor in "
                + $"{target.Name}/{items[0].Repository}: push the older bundle first.");
    }

    private static List<string> Labels(IEnumerable<CopyItem> items) => [.. items.Select(item => item.Label)];

    private async Task<T?> TryAsync<T>(string label, Func<Task<T?>> step)
        where T : class
    {
        T? result = null;
        await TryAsync([label], async () => result = await step());
        return result;
    }

    private async Task TryAsync(IReadOnlyList<string> labels, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception exception) when (exception is ContentException or IOException or HttpRequestException)
        {
            foreach (var label in labels)
                _failures.TryAdd(label, exception.Message);
        }
    }

    private Task ForEachAsync<T>(IEnumerable<T> all, Func<T, CancellationToken, Task> step, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(all,
            new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, options.Workers), CancellationToken = cancellationToken },
            async (one, token) => await step(one, token));
}

/// <summary>An item with what it needs.</summary>
internal sealed record PlannedItem(CopyItem Item, ContentTree Tree);

/// <summary>A blob: who wants it where, where it is, and where it has to go.</summary>
internal sealed class PlannedBlob(Descriptor blob)
{
    public Descriptor Blob => blob;

    public List<(string Repository, CopyItem Item)> Wanted { get; } = [];

    public List<string> There { get; } = [];

    /// <summary>A repository of the registry that nobody here wants it in, and that has it; null for none.</summary>
    public string? Elsewhere { get; init; }

    public List<string> Missing { get; } = [];

    public IContentSource? Source { get; set; }
}
