using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>
/// Reconciles all Clusters while this replica holds the Lease. Should reconciles of two replicas overlap, each write names the version that
/// it was made for.
/// </summary>
internal sealed partial class Reconciler(
    RegistryFleet fleet, ReconcilerParts parts, ReconcilerMetrics metrics, ReconcilerOptions options, TimeProvider time,
    ILogger<Reconciler> logger)
    : BackgroundService
{
    private readonly string _identity = $"{Environment.MachineName}_{Guid.NewGuid():N}";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Mode == ReconcilerMode.Off)
            return;
        var leadership = new Leadership(fleet.CreateLease(_identity, options.Lease), options.Lease, time)
        {
            OnProblem = LogNoLease, OnLost = LogLost, OnBroken = LogBroken,
        };
        await leadership.RunAsync(LeadAsync, stoppingToken);
    }

    /// <summary>Works until it is cancelled, and returns or throws only once nothing is under way.</summary>
    private async Task LeadAsync(CancellationToken cancellationToken)
    {
        LogLeading(_identity);
        fleet.ForgetAll();
        var queue = new ReconcileQueue(options, time, Forget);
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

    [LoggerMessage(Level = LogLevel.Information, Message = "This replica reconciles now, as {Identity}")]
    private partial void LogLeading(string identity);

    [LoggerMessage(Level = LogLevel.Error, Message = "The reconciler met an unexpected fault and starts again")]
    private partial void LogBroken(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The Lease is lost; this replica no longer reconciles")]
    private partial void LogLost();

    [LoggerMessage(Level = LogLevel.Warning, Message = "The Lease can't be requested: {Problem}")]
    private partial void LogNoLease(string problem);
}
