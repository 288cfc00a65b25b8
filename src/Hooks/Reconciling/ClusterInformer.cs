using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>Brings what happens to Clusters and their HelmChartProxies into the queue.</summary>
internal sealed partial class ClusterInformer(RegistryFleet fleet, ReconcilerOptions options, ILogger<ClusterInformer> logger)
{
    /// <summary>Follows everything that the options name, until it is cancelled.</summary>
    public Task RunAsync(ReconcileQueue queue, CancellationToken cancellationToken)
    {
        var places = options.Namespaces.Count == 0 ? new string?[] { null } : [.. options.Namespaces];
        return Task.WhenAll(places.SelectMany(place => new[]
        {
            FollowClustersAsync(queue, place, cancellationToken),
            FollowReleasesAsync(queue, place, cancellationToken),
        }));
    }

    private async Task FollowClustersAsync(ReconcileQueue queue, string? place, CancellationToken cancellationToken)
    {
        HashSet<ClusterKey>? listed = null;
        await foreach (var change in fleet.WatchClustersAsync(place, cancellationToken))
        {
            switch (change.Kind)
            {
                case FleetEventKind.Reset:
                    listed = [];
                    break;
                case FleetEventKind.Seen:
                    listed?.Add(change.Cluster);
                    queue.EnqueueCluster(change.Cluster, change.Fingerprint);
                    break;
                case FleetEventKind.Gone:
                    queue.Forget(change.Cluster);
                    break;
                case FleetEventKind.Synced when listed is not null:
                    queue.Retain(place, listed);
                    LogListed(listed.Count);
                    listed = null;
                    break;
                case FleetEventKind.Refused:
                    LogRefused(change.Problem);
                    break;
            }
        }
    }

    /// <summary>One that is not in a new list went while nobody looked; the resync finds that.</summary>
    private async Task FollowReleasesAsync(ReconcileQueue queue, string? place, CancellationToken cancellationToken)
    {
        await foreach (var change in fleet.WatchReleasesAsync(place, cancellationToken))
        {
            if (change.Kind == FleetEventKind.Seen)
                queue.EnqueueRelease(change.Cluster, change.Fingerprint);
            else if (change.Kind == FleetEventKind.Gone)
                queue.EnqueueRelease(change.Cluster, null);
            else if (change.Kind == FleetEventKind.Refused)
                LogRefused(change.Problem);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} Clusters were listed")]
    private partial void LogListed(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The management API server refuses a watch; it is tried again: {Problem}")]
    private partial void LogRefused(string? problem);
}
