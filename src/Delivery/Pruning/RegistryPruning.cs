using System.Collections.Concurrent;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Delivery.Pruning;

/// <summary>
/// Removes from a cluster's registry what nobody needs: no lock, no pod or controller of the cluster and no keep rule. Running it again
/// goes
/// on where it was interrupted.
/// </summary>
/// <param name="options">What stays, and what is done.</param>
/// <param name="time">The clock.</param>
public sealed class RegistryPruning(PruneOptions options, TimeProvider time)
{
    /// <summary>Prunes one registry.</summary>
    /// <param name="target">The registry of a cluster.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DeliveryException">It is not the registry of a cluster, does not remove content, or could not be
    /// collected.</exception>
    /// <exception cref="ContentException">The registry can't be read as a whole; nothing was removed.</exception>
    /// <exception cref="Kubernetes.Client.KubernetesApiException">The workload API server can't be asked what it needs.</exception>
    public async Task<PruneReport> RunAsync(RegistryTarget target, CancellationToken cancellationToken)
    {
        if (target.Workload is not { } workload)
            throw new DeliveryException($"{target.Name} is not the registry of a cluster, so nobody knows what its users need.");
        var inventory = await RegistryInventory.ReadAsync(target, cancellationToken);
        var needed = new NeededContent(target.Rule, target.PullAddress);
        foreach (var entry in options.Locks)
            needed.Add(entry);
        await HeldLocks.AddAsync(inventory, needed, cancellationToken);
        foreach (var image in await WorkloadImages.ReadAsync(workload, cancellationToken))
        {
            if (Reference.TryParse(image, out var name))
                needed.Add(name, digest: null, KeepReason.Workload);
        }

        var plan = await PrunePlan.CreateAsync(inventory, needed, options.Keep, time.GetUtcNow(), cancellationToken);
        var report = new PruneReport(target.Name, plan.Removed, plan.Kept, plan.Blobs.Sum(blob => blob.Blob.Size));
        if (options.IsDryRun)
            return report;
        var losers = await RemoveAsync(target, inventory, plan.Removed, cancellationToken);
        if (options.CollectLimit is not { } limit)
            return report;
        // Also when nothing was removed: a run before this one may have ended between the two.
        var isCollected = await new GarbageCollection(workload, time).RunAsync(limit, cancellationToken);
        return !isCollected ? report
            : report with { IsCollected = true, FreedBytes = await CountFreedAsync(losers, plan.Blobs, cancellationToken) };
    }

    /// <summary>The primary first, since the others copy from it; within each, what leads to others before these.</summary>
    private static async Task<IReadOnlyList<RegistryReplica>> RemoveAsync(
        RegistryTarget target, IReadOnlyList<RepositoryInventory> inventory, IReadOnlyList<PrunedContent> contents,
        CancellationToken cancellationToken)
    {
        var losers = new List<RegistryReplica>();
        foreach (var replica in target.Replicas.OrderBy(replica => replica == target.Primary ? 0 : 1))
        {
            var removed = 0;
            foreach (var repository in contents.GroupBy(content => content.Repository))
            {
                var fresh = await ReadFreshAsync(replica.Client, inventory.First(known => known.Name == repository.Key), cancellationToken);
                foreach (var digest in repository.Where(content => !fresh.Overlaps(content.Manifests))
                    .SelectMany(content => content.Manifests))
                    removed += await RemoveAsync(replica, repository.Key, digest, cancellationToken) ? 1 : 0;
            }

            if (removed > 0)
                losers.Add(replica);
        }

        return losers;
    }

    private static async Task<bool> RemoveAsync(
        RegistryReplica replica, string repository, Digest digest, CancellationToken cancellationToken)
    {
        try
        {
            return await replica.Client.DeleteManifestAsync(repository, digest.ToString(), cancellationToken);
        }
        catch (RegistryException exception)
        {
            throw new DeliveryException($"The replica {replica.Name} still has {repository}@{digest}: {exception.Message}", exception);
        }
    }

    /// <summary>What tags stand for that somebody has pushed or moved since the inventory, with all that it is made of.</summary>
    private static async Task<HashSet<Digest>> ReadFreshAsync(
        RegistryClient registry, RepositoryInventory known, CancellationToken cancellationToken)
    {
        var fresh = new ConcurrentDictionary<Digest, Descriptor>();
        var tags = await registry.TagsAsync(known.Name, cancellationToken).Where(ReferenceGrammar.IsTag).ToListAsync(cancellationToken);
        await Parallel.ForEachAsync(tags, RegistryInventory.Parallelism(cancellationToken), async (tag, token) =>
        {
            if (await registry.ResolveAsync(known.Name, tag, token) is { } root
                && known.Tags.GetValueOrDefault(tag)?.Contains(root.Digest) != true)
                fresh[root.Digest] = root;
        });
        var whole = new HashSet<Digest>();
        foreach (var root in fresh.Values)
        {
            var tree = await ContentTree.ReadAsync(
                new RegistrySource(registry, known.Name), root, new TreeOptions(WithAttached: true), cancellationToken);
            whole.UnionWith(tree.Manifests.Select(manifest => manifest.Descriptor.Digest).Append(root.Digest));
        }

        return whole;
    }

    /// <summary>What is really gone from the disks of the replicas that lost something; shared storage is one of them.</summary>
    private static async Task<long> CountFreedAsync(
        IReadOnlyList<RegistryReplica> losers, IReadOnlyList<(string Repository, Descriptor Blob)> blobs,
        CancellationToken cancellationToken)
    {
        long freed = 0;
        foreach (var replica in losers)
        {
            await Parallel.ForEachAsync(blobs, RegistryInventory.Parallelism(cancellationToken), async (entry, token) =>
            {
                if (!await replica.Client.HasBlobAsync(entry.Repository, entry.Blob.Digest, token))
                    Interlocked.Add(ref freed, entry.Blob.Size);
            });
        }

        return freed;
    }
}

/// <summary>How registries are pruned.</summary>
/// <param name="Keep">What stays although nothing needs it.</param>
/// <param name="Locks">Content of locks that stays besides those that a registry lists itself.</param>
/// <param name="IsDryRun">True to only say what would go.</param>
/// <param name="CollectLimit">How long the garbage collection may take; null to leave it to its schedule.</param>
public sealed record PruneOptions(
    KeepRules Keep, IReadOnlyList<ContentPlaces.Named> Locks, bool IsDryRun, TimeSpan? CollectLimit);

/// <summary>What became of one registry.</summary>
/// <param name="Target">The registry.</param>
/// <param name="Removed">What went, or would go.</param>
/// <param name="Kept">How many tagged images and charts stay, by reason.</param>
/// <param name="Bytes">Bytes of the blobs that nothing under a tag needs any more, on one replica.</param>
public sealed record PruneReport(
    string Target, IReadOnlyList<PrunedContent> Removed, IReadOnlyDictionary<KeepReason, int> Kept, long Bytes)
{
    /// <summary>Whether garbage was collected.</summary>
    public bool IsCollected { get; init; }

    /// <summary>Bytes that are gone from the disks of all replicas; 0 when nothing was collected.</summary>
    public long FreedBytes { get; init; }
}
