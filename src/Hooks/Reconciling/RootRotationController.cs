using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>Looks after the root: sees when a rotation is due, and leads it from step to step.</summary>
internal sealed partial class RootRotationController(
    RegistryFleet fleet, ReconcilerMetrics book, ReconcilerOptions options, TimeProvider time, ILogger<RootRotationController> logger)
{
    /// <summary>Two reads each time, and a list of HelmChartProxies during a rotation, which takes hours.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private string? _told;

    /// <summary>Works until it is cancelled. Every step concerns all Clusters, so they are looked at after it.</summary>
    public async Task RunAsync(ReconcileQueue queue, CancellationToken cancellationToken)
    {
        while (true)
        {
            var report = await fleet.AdvanceRootAsync(options.Namespaces, cancellationToken);
            if (report.Generation > 0)
                book.Enter(report);
            Log(report);
            if (report.Changes.Count > 0)
                queue.EnqueueAll();
            else
                await Task.Delay(Interval, time, cancellationToken);
        }
    }

    /// <summary>The same sentence once, however often it is found.</summary>
    private void Log(RotationReport report)
    {
        logger.LogChanges("the root CA", report.Changes);
        var tell = report.Problem ?? report.Waits;
        if (tell == _told)
            return;
        _told = tell;
        if (report.Problem is not null)
            LogProblem(report.Problem);
        else if (report.Waits is not null)
            LogWaits(report.Phase, report.Waits);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Problem}")]
    private partial void LogProblem(string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "The rotation of the root CA is in the phase {Phase}: {Waits}")]
    private partial void LogWaits(RotationPhase phase, string waits);
}
