using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>Reconciles what the queue says, within the limits of <see cref="ReconcilerOptions"/>.</summary>
internal sealed partial class ReconcileWorkers(
    RegistryFleet fleet, ReconcilerOptions options, ReconcilerMetrics metrics, TimeProvider time, ILogger<ReconcileWorkers> logger)
{
    /// <summary>Every line of one reconcile says which it was, so that those of one try can be told from those of the next.</summary>
    private static readonly Func<ILogger, ClusterKey, Guid, IDisposable?> ReconcileScope =
        LoggerMessage.DefineScope<ClusterKey, Guid>("{Cluster} {ReconcileID}");

    /// <summary>1 once a condition could not be written: what is the reason for one Cluster is the reason for most.</summary>
    private int _wroteNoCondition;

    /// <summary>Works until it is cancelled, and returns once every reconcile under way has ended.</summary>
    public async Task RunAsync(ReconcileQueue queue, CancellationToken cancellationToken)
    {
        using var free = new SemaphoreSlim(options.Workers);
        var limiter = new RateLimiter(options.Rate, options.Workers, time);
        var unused = 0;
        try
        {
            while (true)
            {
                await free.WaitAsync(cancellationToken);
                unused = 1;
                var request = await queue.TakeAsync(cancellationToken);
                await limiter.WaitAsync(cancellationToken);
                unused = 0;
                _ = RunAsync(queue, request, free, cancellationToken);
            }
        }
        finally
        {
            for (var ended = unused; ended < options.Workers; ended++)
                await free.WaitAsync(CancellationToken.None);
        }
    }

    private async Task RunAsync(ReconcileQueue queue, ReconcileRequest request, SemaphoreSlim free, CancellationToken cancellationToken)
    {
        using var scope = ReconcileScope(logger, request.Cluster, Guid.NewGuid());
        var outcome = ReconcileOutcome.Failed;
        var next = queue.Now;
        try
        {
            var started = time.GetTimestamp();
            var result = await fleet.ReconcileAsync(request.Cluster, request.Verify, cancellationToken);
            metrics.Record(result, time.GetElapsedTime(started));
            Log(result);
            outcome = OutcomeOf(result.Phase);
            next = NextReconcile(result, request.NextVolumes, queue.Now);
            if (request.ReadsVolumes && HasVolumes(result.Phase)
                && await fleet.ReadVolumesAsync(request.Cluster, cancellationToken) is { } volumes)
                metrics.Record(request.Cluster, volumes);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The Lease is lost or the service stops; the next holder of the Lease reconciles every Cluster once.
        }
        catch (Exception exception)
        {
            metrics.RecordError();
            LogUnexpected(request.Cluster, exception);
        }
        finally
        {
            queue.Done(request, outcome, next);
            free.Release();
        }
    }

    /// <summary>What is invalid, paused or being deleted changes by a deed that the watches show.</summary>
    private static ReconcileOutcome OutcomeOf(ClusterPhase phase) => phase switch
    {
        ClusterPhase.Waiting or ClusterPhase.Filling or ClusterPhase.Failing => ReconcileOutcome.Waiting,
        ClusterPhase.Refused or ClusterPhase.Unreachable => ReconcileOutcome.Failed,
        _ => ReconcileOutcome.Settled,
    };

    /// <summary>Also a registry that is not ready: a full volume may be the cause.</summary>
    private static bool HasVolumes(ClusterPhase phase) =>
        phase is ClusterPhase.Ready or ClusterPhase.Filling or ClusterPhase.Waiting or ClusterPhase.Refused or ClusterPhase.Invalid;

    /// <summary>
    /// The resync, spread so that Clusters that were listed together part; or the renewal, or the volumes, when they are due sooner.
    /// </summary>
    private DateTimeOffset NextReconcile(ReconcileResult result, DateTimeOffset nextVolumes, DateTimeOffset now)
    {
        var pause = options.Resync * (0.9 + (0.2 * Random.Shared.NextDouble()));
        if (HasVolumes(result.Phase) && nextVolumes - now < pause)
            pause = nextVolumes - now;
        // By the time of day. One that is overdue may not be done yet; it must not be tried without a pause.
        if (result is { Phase: ClusterPhase.Ready, Certificate.RenewAt: var renewal }
            && renewal - time.GetUtcNow() is var left && left > TimeSpan.Zero && left < pause)
            pause = left;
        return now + pause;
    }

    private void Log(ReconcileResult result)
    {
        logger.LogChanges(result.Cluster.ToString(), result.Changes);
        if (result.Phase is ClusterPhase.Unreachable)
            LogUnreachable(result.Cluster, result.Reason, result.Cause);
        else if (result.Reason is not null)
            LogNotReady(result.Cluster, result.Phase, result.Reason);
        if (result.ConditionProblem is { } problem && Interlocked.Exchange(ref _wroteNoCondition, 1) == 0)
            LogNoCondition(problem);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The registry of {Cluster} is {Phase}: {Reason}")]
    private partial void LogNotReady(ClusterKey cluster, ClusterPhase phase, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The registry of {Cluster} could not be reconciled: {Reason}")]
    private partial void LogUnreachable(ClusterKey cluster, string? reason, Exception? exception);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "A condition could not be written; this is logged once: {Problem}. "
            + "Grant the right to patch clusters/status, or set --cluster-condition Off.")]
    private partial void LogNoCondition(string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "The reconcile of {Cluster} met an unexpected fault")]
    private partial void LogUnexpected(ClusterKey cluster, Exception exception);
}
