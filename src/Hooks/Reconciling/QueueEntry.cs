using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>All that is kept in memory of a Cluster between two passes. Guarded by the queue's lock.</summary>
internal sealed class QueueEntry
{
    /// <summary>When the next pass is due.</summary>
    public DateTimeOffset Due { get; set; }

    /// <summary>When the certificate on the workload cluster is looked at next even if nothing is due.</summary>
    public DateTimeOffset VerifyAt { get; set; }

    /// <summary>Passes in a row that did not come to their end.</summary>
    public int Failures { get; set; }

    /// <summary>A pass is under way.</summary>
    public bool IsRunning { get; set; }

    /// <summary>Something happened during the pass, so another one follows at once.</summary>
    public bool IsDirty { get; set; }

    /// <summary>The Cluster is gone; a pass that is under way is the last.</summary>
    public bool IsGone { get; set; }

    /// <summary>What was last seen of the Cluster.</summary>
    public int? ClusterPrint { get; set; }

    /// <summary>What was last seen of its HelmChartProxy.</summary>
    public int? ReleasePrint { get; set; }
}

/// <summary>A pass to be made.</summary>
/// <param name="Cluster">Over which Cluster.</param>
/// <param name="Verify">True to look at the certificate on the workload cluster in any case.</param>
internal readonly record struct ReconcileRequest(ClusterKey Cluster, bool Verify);
