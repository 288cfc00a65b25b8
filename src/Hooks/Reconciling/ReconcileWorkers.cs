using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>Makes the passes: so many at once, so many per second.</summary>
internal sealed partial class ReconcileWorkers(
    RegistryFleet fleet, ReconcilerOptions options, ReconcilerMetrics book, TimeProvider time, ILogger<ReconcileWorkers> logger)
{
    /// <summary>Works until it is cancelled, and returns once every pass under way has ended.</summary>
    public async Task RunAsync(ReconcileQueue queue, CancellationToken cancellationToken)
    {
        using var free = new SemaphoreSlim(options.Workers);
        var pace = new RateLimiter(options.Rate, options.Workers, time);
        var unused = 0;
        try
        {
            while (true)
            {
                await free.WaitAsync(cancellationToken);
                unused = 1;
                var pass = await queue.TakeAsync(cancellationToken);
                await pace.WaitAsync(cancellationToken);
                unused = 0;
                _ = RunAsync(queue, pass, free, cancellationToken);
            }
        }
        finally
        {
            for (var ended = unused; ended < options.Workers; ended++)
                await free.WaitAsync(CancellationToken.None);
        }
    }

    private async Task RunAsync(ReconcileQueue queue, ReconcileRequest pass, SemaphoreSlim free, CancellationToken cancellationToken)
    {
        var failed = true;
        var next = time.GetUtcNow();
        try
        {
            var started = time.GetTimestamp();
            var status = await fleet.ReconcileAsync(pass.Cluster, pass.Verify, cancellationToken);
            book.Enter(status, time.GetElapsedTime(started));
            Log(status);
            failed = IsFailure(status.Phase);
            next = NextLook(status);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The Lease is lost or the service stops; whoever has the Lease next begins with a pass of its own.
        }
        catch (Exception exception)
        {
            book.EnterFault();
            LogUnexpected(pass.Cluster, exception);
        }
        finally
        {
            queue.Done(pass, failed, next);
            free.Release();
        }
    }

    /// <summary>These end by themselves or by somebody's deed that no watch tells of; the others by a change that is watched.</summary>
    private static bool IsFailure(ClusterPhase phase) => phase is ClusterPhase.Waiting or ClusterPhase.Refused or ClusterPhase.Unreachable;

    /// <summary>The resync, spread so that Clusters which were listed together part; or the renewal, when that is sooner.</summary>
    private DateTimeOffset NextLook(ClusterStatus status)
    {
        var resync = time.GetUtcNow() + (options.Resync * (0.9 + (0.2 * Random.Shared.NextDouble())));
        return status is { Phase: ClusterPhase.Ready, Certificate.RenewAt: var renewal } && renewal < resync ? renewal : resync;
    }

    private void Log(ClusterStatus status)
    {
        logger.LogChanges(status.Cluster.ToString(), status.Changes);
        if (status.Phase is ClusterPhase.Unreachable)
            LogUnreachable(status.Cluster, status.Reason, status.Cause);
        else if (status.Reason is not null)
            LogNotReady(status.Cluster, status.Phase, status.Reason);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The registry of {Cluster} is {Phase}: {Reason}")]
    private partial void LogNotReady(ClusterKey cluster, ClusterPhase phase, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The registry of {Cluster} could not be looked after: {Reason}")]
    private partial void LogUnreachable(ClusterKey cluster, string? reason, Exception? exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "A pass over {Cluster} met an unexpected fault")]
    private partial void LogUnexpected(ClusterKey cluster, Exception exception);
}
