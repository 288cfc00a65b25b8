using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Registry.Release;

/// <summary>How a reconcile of one Cluster ended.</summary>
/// <param name="Cluster">Which Cluster.</param>
/// <param name="Phase">Where its registry stands.</param>
public sealed record ReconcileResult(ClusterKey Cluster, ClusterPhase Phase)
{
    /// <summary>A fixed sentence on why it is not ready; null when there is nothing to say.</summary>
    public string? Reason { get; init; }

    /// <summary>The fault behind it, for the log; null when there is none.</summary>
    public Exception? Cause { get; init; }

    /// <summary>What was changed, in order.</summary>
    public IReadOnlyList<Change> Changes { get; init; } = [];

    /// <summary>Where the cluster is in a rotation of the root.</summary>
    public RotationPhase Rotation { get; init; }

    /// <summary>A fixed sentence on what keeps a former root in the bundle, or on nodes; null when nothing does.</summary>
    public string? RotationWaits { get; init; }

    /// <summary>How full its volumes were when they were last read; null where that is not known.</summary>
    public IReadOnlyList<VolumeUsage>? Volumes { get; init; }

    /// <summary>Why the Cluster's condition could not be written, for the log; null when it is as it is to be.</summary>
    public string? ConditionProblem { get; init; }

    /// <summary>The certificate that the registry is to serve; null where none is known.</summary>
    public CertificateSummary? Certificate { get; init; }
}

/// <summary>Where a cluster's registry stands.</summary>
public enum ClusterPhase
{
    /// <summary>The Cluster is no longer there.</summary>
    Gone,

    /// <summary>The Cluster asks for no registry, and has none of ours.</summary>
    Off,

    /// <summary>The Cluster is paused and left alone.</summary>
    Paused,

    /// <summary>The Cluster is being deleted and left alone; what hangs on it goes with it.</summary>
    Deleting,

    /// <summary>The user must change the Cluster first.</summary>
    Invalid,

    /// <summary>Something that others make is not there yet.</summary>
    Waiting,

    /// <summary>The registry serves, and does not hold the content yet that was declared for it.</summary>
    Filling,

    /// <summary>The Helm release or a pod of the registry fails.</summary>
    Failing,

    /// <summary>A person has to act, or trust would break.</summary>
    Refused,

    /// <summary>An API server can't be used now.</summary>
    Unreachable,

    /// <summary>All is as it should be.</summary>
    Ready,
}

/// <summary>What is known of a registry's certificate.</summary>
/// <param name="Serial">Serial number in lower-case hex.</param>
/// <param name="Issuer">The first 16 hex digits of the SHA-256 of its root.</param>
/// <param name="NotAfter">Its last second.</param>
/// <param name="RenewAt">When the reconciler renews it.</param>
public sealed record CertificateSummary(string Serial, string Issuer, DateTimeOffset NotAfter, DateTimeOffset RenewAt);
