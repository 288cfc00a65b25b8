using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;

namespace CapiRegistryHook.Hooks.Contract;

/// <summary>Writes down what an attempt changed and why it could not go on. Never bodies, Secrets or PEM.</summary>
internal static partial class RegistryOutcomeLog
{
    public static void LogOutcome(this ILogger logger, Cluster cluster, RegistryOutcome outcome)
    {
        logger.LogChanges(cluster.DisplayName, outcome.Changes);
        switch (outcome)
        {
            case RegistryOutcome.Unavailable { Cause: { } cause }:
                LogFault(logger, cluster.DisplayName, cause);
                break;
            case RegistryOutcome.LetGo letGo:
                LogLetGo(logger, cluster.DisplayName, letGo.Reason);
                break;
        }
    }

    public static void LogChanges(this ILogger logger, string cluster, IReadOnlyList<Change> changes)
    {
        foreach (var change in changes)
            LogChange(
                logger, change.Verb, change.Kind, change.Name, change.OnWorkloadCluster ? "workload" : "management", cluster, change.Why);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Verb} {Kind} {Object} on the {Side} cluster for {Cluster}: {Why}")]
    private static partial void LogChange(
        ILogger logger, ChangeVerb verb, string kind, string @object, string side, string cluster, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "An API server could not be used for {Cluster}")]
    private static partial void LogFault(ILogger logger, string cluster, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The upgrade of {Cluster} goes on without a refreshed registry: {Reason}")]
    private static partial void LogLetGo(ILogger logger, string cluster, string reason);
}
