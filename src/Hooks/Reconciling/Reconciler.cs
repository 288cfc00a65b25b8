using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>
/// Reconciles all Clusters while this replica holds the Lease. A replica that can't renew the Lease stops after two thirds of its
/// duration, before another may start; should reconciles of both overlap, each write names the version that it was made for.
/// </summary>
internal sealed partial class Reconciler(
    RegistryFleet fleet, ReconcilerParts parts, ReconcilerMetrics metrics, ReconcilerOptions options, TimeProvider time,
    ILogger<Reconciler> logger)
    : BackgroundService
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(2);

    private readonly string _identity = $"{Environment.MachineName}_{Guid.NewGuid():N}";

    private TimeSpan RenewInterval => options.Lease / 3;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Mode == ReconcilerMode.Off)
            return;
        var lease = fleet.CreateLease(_identity, options.Lease);
        try
        {
            while (true)
            {
                await AcquireAsync(lease, stoppingToken);
                await TryLeadAsync(lease, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await ReleaseAsync(lease);
        }
    }

    /// <summary>An unexpected fault must not end the hooks, which run in the same process.</summary>
    private async Task TryLeadAsync(LeaderLease lease, CancellationToken stoppingToken)
    {
        try
        {
            await LeadAsync(lease, stoppingToken);
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            LogBroken(exception);
            await ReleaseAsync(lease);
            await Task.Delay(options.Lease, time, stoppingToken);
        }
    }

    private async Task AcquireAsync(LeaderLease lease, CancellationToken cancellationToken)
    {
        string? logged = null;
        while (!await lease.TryHoldAsync(cancellationToken))
        {
            if (lease.Problem is { } problem && problem != logged)
                LogNoLease(problem);
            logged = lease.Problem;
            await Task.Delay(RetryPause, time, cancellationToken);
        }
    }

    /// <summary>
    /// Works until the Lease is lost or the service stops, and returns or throws only once nothing is under way.
    /// </summary>
    private async Task LeadAsync(LeaderLease lease, CancellationToken stoppingToken)
    {
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        LogLeading(_identity);
        fleet.ForgetAll();
        var queue = new ReconcileQueue(options, time, Forget);
        metrics.Lead(queue);
        var work = Task.Run(() => WorkAsync(queue, leading.Token), CancellationToken.None);
        try
        {
            await RenewAsync(lease, work, stoppingToken);
            LogLost();
        }
        finally
        {
            await leading.CancelAsync();
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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

    /// <summary>Renews at a third of the duration. Returns when the Lease is another's, or was not renewed for two thirds of it.</summary>
    private async Task RenewAsync(LeaderLease lease, Task work, CancellationToken stoppingToken)
    {
        var renewed = time.GetTimestamp();
        while (true)
        {
            await Task.Delay(lease.Problem is null ? RenewInterval : RetryPause, time, stoppingToken);
            if (work.IsCompleted)
                await work;
            var left = (options.Lease * 2 / 3) - time.GetElapsedTime(renewed);
            var asked = time.GetTimestamp();
            if (await TryRenewAsync(lease, left, stoppingToken))
                renewed = asked;
            else if (lease.Problem is null || time.GetElapsedTime(renewed) >= options.Lease * 2 / 3)
                return;
        }
    }

    private async Task<bool> TryRenewAsync(LeaderLease lease, TimeSpan left, CancellationToken stoppingToken)
    {
        using var limit = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stoppingToken);
        try
        {
            return await lease.TryHoldAsync(either.Token);
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task ReleaseAsync(LeaderLease lease)
    {
        using var limit = new CancellationTokenSource(ReleaseLimit, time);
        try
        {
            await lease.ReleaseAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // The API server is too slow; the Lease expires by itself.
        }
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
