using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>Watches Clusters and their HelmChartProxies, and enqueues those that changed.</summary>
internal sealed partial class ClusterInformer(RegistryFleet fleet, ILogger<ClusterInformer> logger)
{
    /// <summary>Watches all namespaces that the options name, until it is cancelled.</summary>
    public Task RunAsync(ReconcileQueue queue, CancellationToken cancellationToken) =>
        Task.WhenAll(fleet.Places.SelectMany(@namespace => new[]
        {
            WatchClustersAsync(queue, @namespace, cancellationToken),
            WatchReleasesAsync(queue, @namespace, cancellationToken),
        }));

    private async Task WatchClustersAsync(ReconcileQueue queue, string? @namespace, CancellationToken cancellationToken)
    {
        await foreach (var change in fleet.WatchClustersAsync(@namespace, cancellationToken))
        {
            switch (change.Kind)
            {
                case FleetEventKind.Seen:
                    queue.EnqueueCluster(change.Key, change.Value);
                    break;
                case FleetEventKind.Gone:
                    queue.Forget(change.Key);
                    break;
                case FleetEventKind.Listed:
                    queue.Retain(@namespace, change.Listed);
                    LogListed(change.Listed.Count);
                    break;
                case FleetEventKind.Refused:
                    LogRefused(change.Problem);
                    break;
            }
        }
    }

    /// <summary>A HelmChartProxy that was deleted between two lists is found by the resync of its Cluster.</summary>
    private async Task WatchReleasesAsync(ReconcileQueue queue, string? @namespace, CancellationToken cancellationToken)
    {
        await foreach (var change in fleet.WatchReleasesAsync(@namespace, cancellationToken))
        {
            if (change.Kind == FleetEventKind.Seen)
                queue.EnqueueRelease(change.Key, change.Value);
            else if (change.Kind == FleetEventKind.Gone)
                queue.EnqueueRelease(change.Key, null);
            else if (change.Kind == FleetEventKind.Refused)
                LogRefused(change.Problem);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} Clusters were listed")]
    private partial void LogListed(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The management API server refuses a watch; it will be retried: {Problem}")]
    private partial void LogRefused(string? problem);
}
