using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>
/// Removes tags of what left a lock, by the former lock in the registry itself. A tag that another content of the registry lists, or that
/// stands for something else by now, stays.
/// </summary>
internal static class TagPruning
{
    /// <summary>Removes them. It has to end before the new lock is written, since the former one is lost then.</summary>
    /// <param name="target">The registry, which still has the former lock.</param>
    /// <param name="content">The content.</param>
    /// <param name="places">Where its entries are, in order.</param>
    /// <param name="others">The other contents of the registry.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task RunAsync(RegistryTarget target, ResolvedContent content, IReadOnlyList<RegistryPlace> places,
        IReadOnlyList<ContentKey> others, CancellationToken cancellationToken)
    {
        var left = (await ReadAsync(target.Client, content.Key, cancellationToken))
            .Where(entry => entry.Name.Tag is not null && PlaceOf(entry.Name, target.Rule) is { } place && !places.Contains(place))
            .ToList();
        if (left.Count == 0)
            return;
        var kept = new HashSet<RegistryPlace?>();
        foreach (var other in others)
            kept.UnionWith((await ReadAsync(target.Client, other, cancellationToken)).Select(entry => PlaceOf(entry.Name, target.Rule)));
        foreach (var (name, digest) in left)
        {
            var place = PlaceOf(name, target.Rule)!;
            if (!kept.Contains(place)
                && (await target.Client.ResolveAsync(place.Repository, place.Tag!, cancellationToken))?.Digest == digest)
                await target.Client.RemoveTagAsync(place.Repository, place.Tag!, cancellationToken);
        }
    }

    private static RegistryPlace? PlaceOf(Reference name, MirrorRule rule)
    {
        var isMirrored = rule.Upstreams?.Contains(name.Registry, StringComparer.OrdinalIgnoreCase) != false;
        return name.Tag is null ? null : new RegistryPlace(isMirrored ? MirrorPaths.PathOf(name, rule) : name.Repository, name.Tag);
    }

    /// <summary>What a registry says that it holds of a content; nothing where that is damaged or not there.</summary>
    private static async Task<IReadOnlyList<(Reference Name, Digest Digest)>> ReadAsync(
        RegistryClient registry, ContentKey key, CancellationToken cancellationToken)
    {
        try
        {
            var manifest = await registry.GetManifestAsync(ContentArtifact.Repository, ContentArtifact.TagOf(key), cancellationToken);
            if (manifest?.Layers is not [{ Size: <= LockText.LargestSize } layer])
                return [];
            var source = new RegistrySource(registry, ContentArtifact.Repository);
            return LockText.ReadEntries(await LockText.ReadAsync(source, layer, cancellationToken), "The lock in the registry");
        }
        catch (ContentException exception) when (exception is not RegistryException)
        {
            return [];
        }
    }
}
