using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;

namespace CapiRegistryHook.Hooks.Contract;

/// <summary>Logs what an attempt changed and why it ended. Never bodies, Secrets or PEM.</summary>
internal static partial class RegistryOutcomeLog
{
    public static void LogOutcome(this ILogger logger, Cluster cluster, RegistryOutcome outcome)
    {
        logger.LogChanges(cluster.DisplayName, outcome.Changes);
        if (outcome is { IsUnexpected: true, Cause: { } fault })
            LogUnexpected(logger, cluster.DisplayName, fault);
        else if (outcome.Cause is { } cause)
            LogFault(logger, cluster.DisplayName, cause);
        if (outcome.Kind == OutcomeKind.LetGo)
            LogLetGo(logger, cluster.DisplayName, outcome.Omission, outcome.Reason);
    }

    public static void LogChanges(this ILogger logger, string cluster, IReadOnlyList<Change> changes)
    {
        foreach (var change in changes)
            LogChange(
                logger, change.Verb, change.Kind, change.Name, change.OnWorkloadCluster ? "workload" : "management", cluster,
                change.Reason);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Verb} {Kind} {Object} on the {Side} cluster for {Cluster}: {Reason}")]
    private static partial void LogChange(
        ILogger logger, ChangeVerb verb, string kind, string @object, string side, string cluster, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "An API server could not be used for {Cluster}")]
    private static partial void LogFault(ILogger logger, string cluster, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "Unexpected fault while reconciling the registry of {Cluster}")]
    private static partial void LogUnexpected(ILogger logger, string cluster, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The upgrade of {Cluster} proceeds; {Omission}: {Reason}")]
    private static partial void LogLetGo(ILogger logger, string cluster, string omission, string reason);
}
