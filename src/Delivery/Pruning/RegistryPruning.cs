using System.Collections.Concurrent;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;

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
    /// <summary>How long reading and removing may take; a registry with as many names as may be takes minutes.</summary>
    internal static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    /// <summary>Prunes one registry.</summary>
    /// <param name="target">The registry of a cluster.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DeliveryException">It is not the registry of a cluster, does not remove content, or could not be
    /// collected.</exception>
    /// <exception cref="ContentException">The registry can't be read as a whole; nothing was removed.</exception>
    /// <exception cref="KubernetesApiException">The workload API server can't be asked what it needs.</exception>
    public async Task<PruneReport> RunAsync(RegistryTarget target, CancellationToken cancellationToken)
    {
        if (target.Workload is not { } workload)
            throw new DeliveryException($"{target.Name} is not the registry of a cluster, so nobody knows what its users need.");
        var (plan, losers) = await WithinLimitAsync(target, workload, cancellationToken);
        var report = new PruneReport(target.Name, plan.Removed, plan.Kept, plan.Blobs.Sum(blob => blob.Blob.Size));
        if (options is { IsDryRun: true } or { CollectLimit: null })
            return report;
        // Also when nothing was removed: a run before this one may have ended between the two.
        var isCollected = await new GarbageCollection(workload, time).RunAsync(options.CollectLimit.Value, cancellationToken);
        return !isCollected ? report
            : report with { IsCollected = true, FreedBytes = await CountFreedAsync(losers, plan.Blobs, cancellationToken) };
    }

    /// <summary>A registry that answers slowly must not keep those that come after it from being pruned.</summary>
    private async Task<(PrunePlan Plan, IReadOnlyList<RegistryReplica> Losers)> WithinLimitAsync(
        RegistryTarget target, KubernetesClient workload, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var (inventory, plan) = await PlanAsync(target, workload, either.Token);
            return (plan, options.IsDryRun ? [] : await RemoveAsync(target, inventory, plan.Removed, either.Token));
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DeliveryException(
                $"It took longer than {Longest.TotalMinutes:0} minutes; another run goes on with what is left.", exception);
        }
    }

    private async Task<(IReadOnlyList<RepositoryInventory> Inventory, PrunePlan Plan)> PlanAsync(
        RegistryTarget target, KubernetesClient workload, CancellationToken cancellationToken)
    {
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

        return (inventory, await PrunePlan.CreateAsync(inventory, needed, options.Keep, time.GetUtcNow(), cancellationToken));
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
