using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>
/// Removes tags of what left a lock, by the former lock in the registry itself, from every replica: they copy from each other what is
/// there, and never remove anything. A tag that another lock of the registry lists, that another content is about to bring, or that
/// stands for something else by now, stays.
/// </summary>
/// <param name="target">The registry.</param>
internal sealed class TagPruning(RegistryTarget target)
{
    /// <summary>Removes them. It has to end before the new lock is written, since the former one is lost then.</summary>
    /// <param name="content">The content.</param>
    /// <param name="places">Where its entries are, in order.</param>
    /// <param name="others">The other contents that select the Cluster.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RunAsync(ResolvedContent content, IReadOnlyList<RegistryPlace> places, IReadOnlyList<OtherContent> others,
        CancellationToken cancellationToken)
    {
        var left = (await ReadAsync(ContentArtifact.TagOf(content.Key), cancellationToken) ?? [])
            .Where(entry => entry.Place.Tag is not null && !places.Contains(entry.Place)).ToList();
        if (left.Count == 0 || await FindKeptAsync(content.Key, others, cancellationToken) is not { } kept)
            return;
        kept.AddRange(places.Zip(content.Entries, (place, entry) => new HeldEntry(place, entry.Root.Digest)));
        var keptPlaces = kept.Select(entry => entry.Place).ToHashSet();
        foreach (var replica in target.Replicas.OrderBy(replica => replica == target.Primary ? 0 : 1))
        {
            foreach (var entry in left.Where(entry => !keptPlaces.Contains(entry.Place)))
                await RemoveAsync(replica.Client, entry, kept, cancellationToken);
        }
    }

    /// <summary>What other contents need; null where one lock can't be read, so that it is not known.</summary>
    private async Task<List<HeldEntry>?> FindKeptAsync(
        ContentKey content, IReadOnlyList<OtherContent> others, CancellationToken cancellationToken)
    {
        var kept = others.SelectMany(other => other.Named)
            .Select(named => new HeldEntry(named.Place ?? PlaceOf(named.Name!), named.Digest)).ToList();
        // Not only those that are known: a list of RegistryContents may still be on its way, or be refused.
        var tags = others.Select(other => ContentArtifact.TagOf(other.Key)).ToHashSet(StringComparer.Ordinal);
        tags.UnionWith(await target.Client.TagsAsync(ContentArtifact.Repository, cancellationToken).Where(ReferenceGrammar.IsTag)
            .ToListAsync(cancellationToken));
        foreach (var tag in tags.Where(tag => tag != ContentArtifact.TagOf(content)))
        {
            if (await ReadAsync(tag, cancellationToken) is not { } entries)
                return null;
            kept.AddRange(entries);
        }

        return kept;
    }

    /// <summary>A tag that can't be removed without something that is needed stays: it does no harm.</summary>
    private static async Task RemoveAsync(
        RegistryClient registry, HeldEntry entry, IReadOnlyList<HeldEntry> kept, CancellationToken cancellationToken)
    {
        var (repository, tag) = (entry.Place.Repository, entry.Place.Tag!);
        if ((await registry.ResolveAsync(repository, tag, cancellationToken))?.Digest != entry.Digest)
            return;
        var needed = kept.Where(other => other.Place.Repository == repository).Select(other => other.Digest).Distinct();
        try
        {
            await registry.RemoveTagAsync(repository, tag, needed, cancellationToken);
        }
        catch (RegistryException exception) when (exception.Code == RegistryException.InUse)
        {
        }
    }

    private RegistryPlace PlaceOf(Reference name)
    {
        var isMirrored = target.Rule.Upstreams?.Contains(name.Registry, StringComparer.OrdinalIgnoreCase) != false;
        return new RegistryPlace(isMirrored ? MirrorPaths.PathOf(name, target.Rule) : name.Repository, name.Tag);
    }

    /// <summary>What the registry says that it holds of a content; nothing where there is no such lock, null where it is damaged.</summary>
    private async Task<IReadOnlyList<HeldEntry>?> ReadAsync(string tag, CancellationToken cancellationToken)
    {
        try
        {
            var manifest = await target.Client.GetManifestAsync(ContentArtifact.Repository, tag, cancellationToken);
            if (manifest is null)
                return [];
            if (manifest.Layers is not [{ Size: <= LockText.LargestSize } layer])
                return null;
            var source = new RegistrySource(target.Client, ContentArtifact.Repository);
            var text = await LockText.ReadAsync(source, layer, cancellationToken);
            return [.. LockText.ReadEntries(text, "The lock in the registry")
                .Select(entry => new HeldEntry(PlaceOf(entry.Name), entry.Digest))];
        }
        catch (ContentException exception) when (exception is not RegistryException)
        {
            return null;
        }
    }

    private sealed record HeldEntry(RegistryPlace Place, Digest Digest);
}

/// <summary>A content beside another one.</summary>
/// <param name="Key">The RegistryContent.</param>
/// <param name="Named">What it was resolved to; empty while its source has not answered.</param>
internal sealed record OtherContent(ContentKey Key, IReadOnlyList<ContentPlaces.Named> Named);
