using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>What the objects of the management cluster say of one cluster's registry, for people.</summary>
/// <param name="Cluster">Which Cluster.</param>
/// <param name="Phase">Where its registry stands.</param>
public sealed record ClusterReport(ClusterKey Cluster, ClusterPhase Phase)
{
    /// <summary>Where nodes pull from, as host and port; null without a registry.</summary>
    public string? Endpoint { get; init; }

    /// <summary>When the certificate ends; null where none is known.</summary>
    public DateTimeOffset? CertificateUntil { get; init; }

    /// <summary>Which root issued it, counted from 1; null when it is not one of the roots there are now.</summary>
    public int? RootGeneration { get; init; }

    /// <summary>What is wrong or awaited, in sentences; null when nothing is.</summary>
    public string? Problem { get; init; }
}

/// <summary>The management cluster can't be read. The message says what was asked for and why it failed.</summary>
public sealed class FleetReportException(string message, Exception cause) : Exception(message, cause);
