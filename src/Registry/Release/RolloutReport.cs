using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Release;

/// <summary>How far the admin's decisions are rolled out.</summary>
/// <param name="Counts">Registries by state; each state is there.</param>
/// <param name="Failed">Those that failed with the admin's decisions of today.</param>
/// <param name="Turns">Clusters whose turn it is now; they are to be reconciled.</param>
/// <param name="IsStopped">Too many failed, so no other registry is changed.</param>
public sealed record RolloutReport(
    IReadOnlyDictionary<RolloutState, int> Counts, IReadOnlyList<ClusterKey> Failed, IReadOnlyList<ClusterKey> Turns, bool IsStopped);

/// <summary>Where a registry is in a rollout.</summary>
public enum RolloutState
{
    /// <summary>It has what the admin decides today.</summary>
    Current,

    /// <summary>It may be changed or was, and its new pods have not been seen ready and serving.</summary>
    InProgress,

    /// <summary>It still has what the admin decided earlier.</summary>
    Waiting,

    /// <summary>It was changed, and its new pods did not come up in time or serve what nodes refuse.</summary>
    Failed,
}
