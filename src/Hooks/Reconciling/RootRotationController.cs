using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>Rotates the root CA: notices when a rotation is due and takes it from step to step.</summary>
internal sealed partial class RootRotationController(
    RegistryFleet fleet, ReconcilerMetrics metrics, TimeProvider time, ILogger<RootRotationController> logger)
{
    /// <summary>Two reads each time, and during a rotation two more of the cluster that it waits for.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    /// <summary>The next step follows soon after a change, but a change that has no effect must not become a busy loop.</summary>
    internal static readonly TimeSpan StepInterval = TimeSpan.FromSeconds(1);

    private string? _logged;

    /// <summary>Runs until it is cancelled. Each step concerns all Clusters, so they are enqueued after it.</summary>
    public async Task RunAsync(ReconcileQueue queue, CancellationToken cancellationToken)
    {
        while (true)
        {
            var isChanged = await TryAdvanceAsync(queue, cancellationToken);
            await Task.Delay(isChanged ? StepInterval : Interval, time, cancellationToken);
        }
    }

    /// <summary>Whether something changed. A fault in a rotation, which has years, must not end the renewals beside it.</summary>
    private async Task<bool> TryAdvanceAsync(ReconcileQueue queue, CancellationToken cancellationToken)
    {
        try
        {
            var report = await fleet.AdvanceRootAsync(cancellationToken);
            if (report.Generation > 0)
                metrics.Record(report);
            Log(report);
            if (report.Changes.Count > 0)
                queue.EnqueueAll();
            return report.Changes.Count > 0;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            metrics.RecordError();
            LogUnexpected(exception);
            return false;
        }
    }

    /// <summary>Logs a sentence once for as long as it stays the same.</summary>
    private void Log(RotationReport report)
    {
        logger.LogChanges("the root CA", report.Changes);
        var sentence = report.Problem ?? report.Waits;
        if (sentence == _logged)
            return;
        _logged = sentence;
        if (report.Problem is not null)
            LogProblem(report.Problem);
        else if (report.Waits is not null)
            LogWaits(report.Phase, report.Waits);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Problem}")]
    private partial void LogProblem(string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "The check of the root CA met an unexpected fault; it is tried again")]
    private partial void LogUnexpected(Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Rotation of the root CA, phase {Phase}: {Waits}")]
    private partial void LogWaits(RotationPhase phase, string waits);
}
