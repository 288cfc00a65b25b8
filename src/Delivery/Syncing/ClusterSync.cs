using System.Collections.Concurrent;
using CapiRegistryHook.Delivery.Clusters;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>
/// Brings the registry of one Cluster in sync. The lock in the registry is the last thing that is written for a content, so one request
/// tells that nothing is to do, and an interruption at any moment leaves a registry without the lock, never without what it names.
/// </summary>
/// <param name="targets">The way to registries.</param>
/// <param name="model">What is wanted; gets what was found.</param>
/// <param name="queue">Says whether a registry may be filled now.</param>
/// <param name="options">How.</param>
/// <param name="statistics">Counts.</param>
/// <param name="time">The clock.</param>
internal sealed class ClusterSync(
    ClusterTargets targets, SyncModel model, SyncQueue queue, SyncOptions options, SyncStatistics statistics, TimeProvider time)
{
    /// <summary>Clusters whose registries have been told to fetch something.</summary>
    private readonly ConcurrentDictionary<ClusterKey, bool> _fetching = [];

    /// <summary>Works on a Cluster once.</summary>
    /// <returns>How it ended; with a sentence when it failed.</returns>
    public async Task<(SyncOutcome Outcome, string? Reason)> RunAsync(ClusterKey cluster, CancellationToken cancellationToken)
    {
        var wanted = model.ContentsOf(cluster, () => queue.Read(cluster));
        try
        {
            if (wanted.Count > 0)
                return await RunAsync(cluster, wanted, cancellationToken);
            if (_fetching.ContainsKey(cluster))
                await EndFetchingAsync(cluster, cancellationToken);
            return (SyncOutcome.Settled, null);
        }
        finally
        {
            foreach (var each in wanted)
                each.Content.Dispose();
        }
    }

    private async Task<(SyncOutcome Outcome, string? Reason)> RunAsync(
        ClusterKey cluster, IReadOnlyList<WantedContent> wanted, CancellationToken cancellationToken)
    {
        string? failed = null;
        var isFetching = false;
        var left = new Queue<WantedContent>(wanted);
        try
        {
            using var target = await targets.OpenAsync(cluster, cancellationToken);
            await CheckReadyAsync(target, cancellationToken);
            var pull = new RegistryPull(target, time);
            while (left.TryPeek(out var next))
            {
                var (isDone, reason) = await SyncAsync(cluster, target, pull, next, cancellationToken);
                if (!isDone)
                    break;
                failed ??= reason;
                left.Dequeue();
            }

            isFetching = await TidyAsync(cluster, pull, [.. left.Select(each => each.Content.Key)], cancellationToken);
            if (left.Count > 0)
                return (SyncOutcome.WantsFill, null);
        }
        catch (Exception exception) when (Fault.Is(exception) && !cancellationToken.IsCancellationRequested)
        {
            failed ??= Fault.Describe(exception);
            foreach (var each in left)
                Record(cluster, each, isComplete: false, failed, each.Former?.VerifyAt ?? NextVerify(), wrote: false);
        }

        return (failed is not null ? SyncOutcome.Failed : isFetching ? SyncOutcome.Fetching : SyncOutcome.Settled, failed);
    }

    /// <summary>Takes from a registry's sources what it need not fetch any more; true while something is left.</summary>
    private async Task<bool> TidyAsync(
        ClusterKey cluster, RegistryPull pull, IReadOnlyList<ContentKey> untouched, CancellationToken cancellationToken)
    {
        var isFetching = await pull.TidyAsync(untouched, wasFetching: _fetching.ContainsKey(cluster), cancellationToken);
        if (isFetching)
            _fetching[cluster] = true;
        else
            _fetching.TryRemove(cluster, out _);
        return isFetching;
    }

    // What is not wanted any more is no reason for a status; the next interval tries again.
    private async Task EndFetchingAsync(ClusterKey cluster, CancellationToken cancellationToken)
    {
        try
        {
            using var target = await targets.OpenAsync(cluster, cancellationToken);
            await TidyAsync(cluster, new RegistryPull(target, time), [], cancellationToken);
        }
        catch (Exception exception) when (Fault.Is(exception) && !cancellationToken.IsCancellationRequested)
        {
        }
    }

    // Replicas copy from each other in no order, so the lock may be there before what it names until the pod is ready.
    private static async Task CheckReadyAsync(RegistryTarget target, CancellationToken cancellationToken)
    {
        var pod = new NamespacedName(ClusterRegistry.StatefulSet.Namespace, target.Primary.Name);
        if (target.Workload is { } workload && await workload.FindAsync(CoreResources.Pods, pod, cancellationToken) is { IsReady: false })
            throw new DeliveryException($"The pod {target.Primary.Name} of the registry is not ready.");
    }

    /// <summary>One content: whether it came to an end, and why it failed.</summary>
    private async Task<(bool IsDone, string? Reason)> SyncAsync(
        ClusterKey cluster, RegistryTarget target, RegistryPull pull, WantedContent wanted, CancellationToken cancellationToken)
    {
        var content = wanted.Content;
        statistics.Check();
        var held = await target.Client.ResolveAsync(ContentArtifact.Repository, ContentArtifact.TagOf(content.Key), cancellationToken);
        var isComplete = held?.Digest == content.Digest;
        var verifyAt = wanted.Former?.VerifyAt ?? NextVerify();
        var isVerify = isComplete && time.GetUtcNow() >= verifyAt;
        var mayWrite = wanted.IsAwaited || SyncWindows.IsOpen(wanted.Spec.Windows, time.GetUtcNow());
        if ((isComplete && !isVerify) || !mayWrite)
        {
            Record(cluster, wanted, isComplete, reason: null, verifyAt, wrote: false);
            return (true, null);
        }

        if (wanted.Spec.Delivery == RegistryContentSpec.Pull && await pull.FetchAsync(wanted, cancellationToken) is { } fetching)
        {
            model.Record(cluster, content.Key, fetching with { VerifyAt = verifyAt }, wrote: false);
            return (true, fetching.Reason);
        }

        if (!queue.TryBeginFill(cluster))
            return (false, null);
        var others = wanted.Spec.Prune == true && held is not null ? model.ContentsBeside(content.Key, cluster) : null;
        var fill = new ContentFill(target, options.Streams, statistics);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(wanted.Withdrawn, cancellationToken);
        string? reason;
        try
        {
            reason = await fill.RunAsync(content, others, either.Token);
        }
        catch (Exception exception) when (wanted.Withdrawn.IsCancellationRequested && !cancellationToken.IsCancellationRequested
            && (exception is OperationCanceledException || Fault.Is(exception)))
        {
            reason = null;
        }

        if (wanted.Withdrawn.IsCancellationRequested)
            return (true, null);
        Record(cluster, wanted, reason is null, reason, reason is null ? NextVerify() : time.GetUtcNow(), fill.HasWritten);
        return (true, reason);
    }

    private void Record(
        ClusterKey cluster, WantedContent wanted, bool isComplete, string? reason, DateTimeOffset verifyAt, bool wrote) =>
        model.Record(cluster, wanted.Content.Key,
            new ClusterResult(wanted.Content.Digest, isComplete, reason) { VerifyAt = verifyAt }, wrote);

    // Spread, and not in the first half of the interval: a new leader need not verify the whole fleet at once.
    private DateTimeOffset NextVerify() => options.Verify == TimeSpan.Zero ? DateTimeOffset.MaxValue
        : time.GetUtcNow() + (options.Verify * (0.5 + (0.5 * Random.Shared.NextDouble())));
}
