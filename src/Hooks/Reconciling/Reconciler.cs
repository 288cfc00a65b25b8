using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>
/// Reconciles all Clusters while this replica holds the Lease. Should reconciles of two replicas overlap, each write names the version that
/// it was made for.
/// </summary>
internal sealed class Reconciler(
    RegistryFleet fleet, ReconcilerParts parts, ReconcilerMetrics metrics, ReconcilerOptions options, TimeProvider time,
    ILogger<Reconciler> logger)
    : LeaderService(fleet.CreateLease(options.Lease), "reconciles", time, logger)
{
    protected override async Task LeadAsync(CancellationToken cancellationToken)
    {
        fleet.ForgetAll();
        var queue = new ReconcileQueue(options, Time, Forget) { Places = fleet.Places.Count };
        metrics.Lead(queue);
        try
        {
            await WorkAsync(queue, cancellationToken);
        }
        finally
        {
            metrics.Lead(null);
        }
    }

    /// <summary>Nothing of a Cluster that is gone stays in memory or in metrics.</summary>
    private void Forget(ClusterKey cluster)
    {
        metrics.Forget(cluster);
        fleet.Forget(cluster);
    }

    /// <summary>When one of the parts fails, the others must not go on alone.</summary>
    private async Task WorkAsync(ReconcileQueue queue, CancellationToken cancellationToken)
    {
        using var together = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] all = [parts.Informer.RunAsync(queue, together.Token), parts.Workers.RunAsync(queue, together.Token),
            parts.Root.RunAsync(queue, together.Token), parts.Rollout.RunAsync(queue, together.Token)];
        await Task.WhenAny(all);
        await together.CancelAsync();
        await Task.WhenAll(all);
    }
}
