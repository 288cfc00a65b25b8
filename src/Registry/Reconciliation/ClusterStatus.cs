using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>How one cluster's registry is, by the objects of the management cluster: a row of the status command.</summary>
/// <param name="Cluster">Which Cluster.</param>
/// <param name="Phase">Where its registry stands.</param>
public sealed record ClusterStatus(ClusterKey Cluster, ClusterPhase Phase)
{
    /// <summary>Where nodes pull from, as host and port; null without a registry.</summary>
    public string? Endpoint { get; init; }

    /// <summary>When the certificate ends; null where none is known.</summary>
    public DateTimeOffset? CertificateUntil { get; init; }

    /// <summary>Which root issued it, counted from 1; null when it is not one of the roots there are now.</summary>
    public int? RootGeneration { get; init; }

    /// <summary>The revision of the admin's values and chart that it has; null where none is known.</summary>
    public string? Release { get; init; }

    /// <summary>The certificate; null where none is known.</summary>
    public CertificateReport? Certificate { get; init; }

    /// <summary>The release of the registry chart; null when it is not installed.</summary>
    public ReleaseStatus? Installed { get; init; }

    /// <summary>Where it is with what the admin decided last, as far as objects tell; null when it is not installed.</summary>
    public RolloutState? Rollout { get; init; }

    /// <summary>Whether it is among the registries that have stopped a rollout.</summary>
    public bool StopsRollout { get; init; }

    /// <summary>How far the registry is with it; null where that is not known.</summary>
    internal ReleaseProgress? Progress { get; init; }

    /// <summary>
    /// How full its volumes were when they were last read; empty when its storage has no statistics, null where nothing is known.
    /// </summary>
    public IReadOnlyList<VolumeUsage>? Volumes { get; init; }

    /// <summary>When they were read; null where nothing is known. A day old at most while the cluster can be reached.</summary>
    public DateTimeOffset? VolumesReadAt { get; init; }

    /// <summary>What RegistryContents declare for it; null when nothing is declared, or nothing is known.</summary>
    public ContentReport? Content { get; init; }

    /// <summary>What is wrong or awaited, in sentences; null when nothing is.</summary>
    public string? Problem { get; init; }

    /// <summary>The condition of the registry on the Cluster; null when it has none.</summary>
    public ConditionReport? Condition { get; init; }

    /// <summary>How many replicas are requested; null without a registry.</summary>
    public int? Replicas { get; init; }
}

/// <summary>The declared content of a registry.</summary>
/// <param name="Declared">How many RegistryContents select the Cluster, suspended ones among them.</param>
/// <param name="Failing">How many of them say that the last try for this Cluster failed; each names ten Clusters at most.</param>
public sealed record ContentReport(int Declared, int Failing);

/// <summary>A condition, as a controller reports it.</summary>
/// <param name="Type">What it is about.</param>
/// <param name="Status">True, False or Unknown.</param>
/// <param name="Reason">Why, as one word in CamelCase; empty when it does not say.</param>
/// <param name="Message">Why, as sentences; may be empty.</param>
/// <param name="Since">When the status last changed; null when it does not say.</param>
public sealed record ConditionReport(string Type, string Status, string Reason, string Message, DateTimeOffset? Since);

/// <summary>The management cluster can't be read. The message names the request and the fault.</summary>
public sealed class FleetStatusException(string message, Exception cause) : Exception(message, cause)
{
    internal static FleetStatusException Of(KubernetesApiException exception) =>
        new($"The management cluster can't be read: {exception.Message}.", exception);
}
