using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>Brings the admin's new values, or a new chart, to a few registries at a time.</summary>
internal sealed partial class RolloutController(
    RegistryFleet fleet, ReconcilerMetrics metrics, TimeProvider time, ILogger<RolloutController> logger)
{
    /// <summary>Nothing is called; a registry whose pods were seen is followed by the next one this soon.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private bool _wasStopped;

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(ReconcileQueue queue, CancellationToken cancellationToken)
    {
        _wasStopped = false;
        while (true)
        {
            var report = fleet.AdvanceRollout(queue.IsSurveyed);
            metrics.Record(report);
            Log(report);
            foreach (var cluster in report.Turns)
                queue.Enqueue(cluster);
            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    private void Log(RolloutReport report)
    {
        foreach (var cluster in report.Turns)
            LogTurn(cluster);
        if (report.IsStopped && !_wasStopped)
            LogStopped(report.Failed.Count, report.Failed[0]);
        else if (_wasStopped && !report.IsStopped)
            LogResumed();
        _wasStopped = report.IsStopped;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The registry of {Cluster} gets the admin's values and chart of today")]
    private partial void LogTurn(ClusterKey cluster);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The rollout has stopped: {Count} registries did not come up with the admin's values and chart of today, the first "
            + "is {Cluster}")]
    private partial void LogStopped(int count, ClusterKey cluster);

    [LoggerMessage(Level = LogLevel.Information, Message = "The rollout goes on")]
    private partial void LogResumed();
}
