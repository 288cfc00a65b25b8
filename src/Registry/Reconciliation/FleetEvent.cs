using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>What a watch over Clusters and their HelmChartProxies reports.</summary>
public enum FleetEventKind
{
    /// <summary>A full list begins: what is not seen before <see cref="Synced"/> is gone.</summary>
    Reset,

    /// <summary>The object is there, in a list or because it changed.</summary>
    Seen,

    /// <summary>The object is gone.</summary>
    Gone,

    /// <summary>The full list is complete; what follows are changes.</summary>
    Synced,

    /// <summary>The API server refuses the watch for good; it is tried again after a pause.</summary>
    Refused,
}

/// <summary>One report.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Cluster">The Cluster it is about; nothing with Reset, Synced and Refused.</param>
/// <param name="Fingerprint">Another one than before means that something changed that may matter.</param>
/// <param name="Problem">With Refused, what the API server refuses.</param>
public readonly record struct FleetEvent(FleetEventKind Kind, ClusterKey Cluster = default, int Fingerprint = 0, string? Problem = null);
