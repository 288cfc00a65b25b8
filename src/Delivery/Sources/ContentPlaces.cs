using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Delivery.Sources;

/// <summary>Decides where content goes in a registry: images where its nodes will look, charts where people and Helm find them.</summary>
public static class ContentPlaces
{
    /// <summary>Manifests that are read at once.</summary>
    private const int Workers = 4;

    /// <summary>Something with a name.</summary>
    /// <param name="Label">What it is called in messages.</param>
    /// <param name="Name">The name that manifests use; null where <paramref name="Place"/> says where it goes.</param>
    /// <param name="Place">A fixed place; null where the name decides.</param>
    /// <param name="Digest">The digest of its manifest or index.</param>
    /// <param name="IsImage">Whether nodes pull it.</param>
    public sealed record Named(string Label, Reference? Name, RegistryPlace? Place, Digest Digest, bool IsImage);

    /// <summary>The content of sources with what each of it is; reads one manifest each.</summary>
    public static async Task<IReadOnlyList<Named>> ReadAsync(IReadOnlyList<SourceEntry> entries, CancellationToken cancellationToken)
    {
        var named = new Named[entries.Count];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(entries.Index(), parallel, async (entry, token) =>
            named[entry.Index] = await ReadAsync(entry.Item, token));
        return named;
    }

    private static async Task<Named> ReadAsync(SourceEntry entry, CancellationToken cancellationToken)
    {
        // What is too large to be a manifest is refused when it is copied.
        var bytes = entry.Place is null && entry.Root.Size <= Manifest.LargestSize
            ? await entry.Source.ReadManifestAsync(entry.Root, cancellationToken)
            : null;
        var isChart = bytes is { } manifest && ContentKinds.Of(Manifest.Parse(manifest, entry.Root)) == ContentKind.Chart;
        return new Named(entry.Label, entry.Name, entry.Place, entry.Root.Digest, IsImage: !isChart);
    }

    /// <summary>The places of all content, in order.</summary>
    /// <exception cref="ContentException">Nodes would not look for an image, or two hosts' images would lie in one place.</exception>
    public static IReadOnlyList<RegistryPlace> Map(IReadOnlyList<Named> content, MirrorRule rule)
    {
        var byRule = content.Where(entry => entry.Place is null && (entry.IsImage || IsMirrored(entry.Name!, rule))).ToList();
        var repositories = MirrorPaths.Map([.. byRule.Select(entry => (entry.Name!, entry.Digest))], rule);
        var paths = byRule.Zip(repositories).ToDictionary(pair => pair.First.Label, pair => pair.Second, StringComparer.Ordinal);
        return [.. content.Select(entry => entry.Place
            ?? new RegistryPlace(paths.GetValueOrDefault(entry.Label, entry.Name!.Repository), entry.Name!.Tag))];
    }

    /// <summary>What a copy needs to know, in order.</summary>
    public static IReadOnlyList<CopyItem> ToCopy(IReadOnlyList<SourceEntry> entries, IReadOnlyList<RegistryPlace> places) =>
        [.. entries.Zip(places, (entry, place) => new CopyItem(entry.Label, entry.Source, entry.Root, place.Repository, place.Tag))];

    /// <summary>What a check needs to know, in order.</summary>
    public static IReadOnlyList<ExpectedContent> ToExpect(IReadOnlyList<Named> content, IReadOnlyList<RegistryPlace> places) =>
        [.. content.Zip(places, (entry, place) => new ExpectedContent(entry.Label, place.Repository, place.Tag, entry.Digest))];

    // Nodes do not pull charts, so a host that the mirror does not know is not a mistake.
    private static bool IsMirrored(Reference name, MirrorRule rule) =>
        rule.Upstreams?.Contains(name.Registry, StringComparer.OrdinalIgnoreCase) != false;
}
