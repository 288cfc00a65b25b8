using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Pruning;

/// <summary>
/// Decides what of a registry goes. A digest is the smallest thing that goes, with all its tags, and only when none of them is needed: to
/// take one of two tags away would free nothing. What is part of anything that stays, stays.
/// </summary>
/// <param name="Removed">What goes, in order.</param>
/// <param name="Kept">How many tagged digests stay, by reason.</param>
/// <param name="Blobs">The blobs that nothing under a tag needs afterwards, with their sizes in bytes.</param>
internal sealed record PrunePlan(
    IReadOnlyList<PrunedContent> Removed, IReadOnlyDictionary<KeepReason, int> Kept,
    IReadOnlyList<(string Repository, Descriptor Blob)> Blobs)
{
    /// <summary>Makes the plan.</summary>
    /// <param name="inventory">What the registry holds.</param>
    /// <param name="needed">What somebody needs, found out after the inventory: what began to be needed meanwhile stays.</param>
    /// <param name="rules">What stays besides.</param>
    /// <param name="now">What ages are counted from.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ContentException">Something that stays can't be read, so what belongs to it is not known.</exception>
    public static async Task<PrunePlan> CreateAsync(
        IReadOnlyList<RepositoryInventory> inventory, NeededContent needed, KeepRules rules, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        var removed = new List<PrunedContent>();
        var kept = new Dictionary<KeepReason, int>();
        var goes = new Dictionary<Digest, (string Repository, Descriptor Blob)>();
        var stays = new HashSet<Digest>();
        foreach (var repository in inventory.Where(repository => repository.Name != ContentArtifact.Repository))
        {
            var plan = await new RepositoryPlan(repository, needed, rules, now).CreateAsync(cancellationToken);
            removed.AddRange(plan.Removed.Select(entry => entry.Content));
            foreach (var reason in plan.Kept.Values)
                kept[reason] = kept.GetValueOrDefault(reason) + 1;
            stays.UnionWith(plan.KeptBlobs);
            foreach (var blob in plan.Removed.SelectMany(entry => entry.Blobs))
                goes.TryAdd(blob.Digest, (repository.Name, blob));
        }

        return new PrunePlan(removed, kept, [.. goes.Where(pair => !stays.Contains(pair.Key)).Select(pair => pair.Value)]);
    }
}

/// <summary>Content that goes.</summary>
/// <param name="Repository">Its repository.</param>
/// <param name="Tags">All tags of it, in order.</param>
/// <param name="Digest">Its manifest or index.</param>
/// <param name="Manifests">All manifests that go with it: itself first, then what it is made of, then what is attached to it.</param>
/// <param name="Size">Its blobs and manifests in bytes; what others share counts too.</param>
public sealed record PrunedContent(
    string Repository, IReadOnlyList<string> Tags, Digest Digest, IReadOnlyList<Digest> Manifests, long Size);

/// <summary>The same decision for one repository.</summary>
internal sealed class RepositoryPlan(RepositoryInventory repository, NeededContent needed, KeepRules rules, DateTimeOffset now)
{
    private readonly ILookup<Digest, string> _tags = repository.Tags.SelectMany(
        tag => tag.Value.Select(digest => (Digest: digest, Tag: tag.Key))).ToLookup(pair => pair.Digest, pair => pair.Tag);

    /// <summary>Tagged digests that stand for themselves; what belongs to others stays or goes with them.</summary>
    private IEnumerable<Digest> Contents => repository.Roots.Keys.Where(digest =>
        _tags[digest].Any(tag => RegistryInventory.SubjectOf(tag) is null));

    public async Task<Result> CreateAsync(CancellationToken cancellationToken)
    {
        var kept = await JudgeAsync(cancellationToken);
        var parts = new HashSet<Digest>();
        var blobs = new HashSet<Digest>();
        foreach (var digest in kept.Keys)
        {
            var tree = await ReadAsync(digest, cancellationToken);
            parts.UnionWith(tree.Manifests.Select(manifest => manifest.Descriptor.Digest).Append(digest));
            blobs.UnionWith(tree.Blobs.Select(blob => blob.Digest));
        }

        // A manifest that is needed by its digest alone may be a part of something that goes.
        parts.UnionWith(repository.Roots.Keys.Where(digest => needed.ReasonOf(repository.Name, digest.ToString()) is not null));
        var removed = new List<(PrunedContent Content, IReadOnlyList<Descriptor> Blobs)>();
        foreach (var digest in Contents.Where(digest => !parts.Contains(digest))
            .OrderBy(digest => _tags[digest].First(), StringComparer.Ordinal))
        {
            var tree = await ReadAsync(digest, cancellationToken);
            var whole = tree.Manifests.Where(manifest => !parts.Contains(manifest.Descriptor.Digest)
                && needed.ReasonOf(repository.Name, manifest.Descriptor.Digest.ToString()) is null).ToList();
            blobs.UnionWith(tree.Manifests.Except(whole).SelectMany(manifest => manifest.Blobs).Select(blob => blob.Digest));
            removed.Add((new PrunedContent(repository.Name, [.. _tags[digest].Order(StringComparer.Ordinal)], digest,
                [digest, .. ListOf(digest), .. whole.Select(manifest => manifest.Descriptor.Digest).Where(part => part != digest)],
                tree.Size),
                [.. whole.SelectMany(manifest => manifest.Blobs)]));
        }

        return new Result(removed, kept, blobs);
    }

    /// <summary>The list of referrers that clients write where the registry has no API for them.</summary>
    private HashSet<Digest> ListOf(Digest subject) =>
        repository.Tags.GetValueOrDefault($"{subject.Algorithm}-{subject.Hex}") ?? [];

    private async Task<Dictionary<Digest, KeepReason>> JudgeAsync(CancellationToken cancellationToken)
    {
        var kept = new Dictionary<Digest, KeepReason>();
        foreach (var digest in Contents)
        {
            if (ReasonOf(digest) is { } reason)
                kept[digest] = reason;
        }

        if (!rules.NeedTimes)
            return kept;
        var times = new List<(string Tag, Digest Digest, DateTimeOffset? Built)>();
        foreach (var digest in Contents)
        {
            var built = await BuildTime.ReadAsync(SourceOf(digest), repository.Roots[digest].Root, cancellationToken);
            times.AddRange(_tags[digest].Where(tag => RegistryInventory.SubjectOf(tag) is null).Select(tag => (tag, digest, built)));
        }

        // What does not say when it was built counts as new.
        var newest = times.OrderByDescending(entry => entry.Built ?? DateTimeOffset.MaxValue)
            .ThenByDescending(entry => entry.Tag, StringComparer.Ordinal).Take(rules.Last);
        var young = times.Where(entry => rules.Younger is { } age && (entry.Built is not { } built || now - built < age));
        foreach (var (_, digest, _) in newest.Concat(young))
            kept.TryAdd(digest, KeepReason.Rule);
        return kept;
    }

    private KeepReason? ReasonOf(Digest digest)
    {
        var reasons = _tags[digest].Append(digest.ToString())
            .Select(selector => needed.ReasonOf(repository.Name, selector)).OfType<KeepReason>().ToList();
        return reasons.Count > 0 ? reasons.Min() : _tags[digest].Any(tag => rules.Match(repository.Name, tag)) ? KeepReason.Rule : null;
    }

    private RegistrySource SourceOf(Digest digest) => new(repository.Roots[digest].Replica.Client, repository.Name);

    private Task<ContentTree> ReadAsync(Digest digest, CancellationToken cancellationToken) =>
        ContentTree.ReadAsync(SourceOf(digest), repository.Roots[digest].Root, new TreeOptions(WithAttached: true), cancellationToken);

    /// <summary>The decision.</summary>
    /// <param name="Removed">What goes, with the blobs of what goes.</param>
    /// <param name="Kept">What stays, and why.</param>
    /// <param name="KeptBlobs">The blobs of what stays.</param>
    internal sealed record Result(
        IReadOnlyList<(PrunedContent Content, IReadOnlyList<Descriptor> Blobs)> Removed, IReadOnlyDictionary<Digest, KeepReason> Kept,
        IReadOnlySet<Digest> KeptBlobs);
}
