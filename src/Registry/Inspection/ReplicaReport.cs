namespace CapiRegistryHook.Registry.Inspection;

/// <summary>What a replica does when a node connects to it.</summary>
public enum ReplicaAnswer
{
    /// <summary>It serves the certificate that was issued last, and nodes accept it.</summary>
    Current,

    /// <summary>It serves another one that nodes accept.</summary>
    Other,

    /// <summary>It serves one that nodes refuse.</summary>
    Untrusted,

    /// <summary>It can't be reached through the workload cluster's API server.</summary>
    Unreachable,
}

/// <summary>A pod of a registry, as it serves at the moment.</summary>
/// <param name="Pod">Its name.</param>
/// <param name="IsReady">Whether Services send it connections.</param>
/// <param name="Phase">Pending, Running, Succeeded, Failed or Unknown.</param>
/// <param name="RunsLatest">Whether it runs the release that was written last.</param>
/// <param name="Answer">What it does when a node connects to it.</param>
/// <param name="Chain">The certificate that it served, with those that lead to the root that nodes trust; empty when there is none.</param>
public sealed record ReplicaReport(
    string Pod, bool IsReady, string Phase, bool RunsLatest, ReplicaAnswer Answer, IReadOnlyList<ChainLink> Chain);

/// <summary>A certificate on the way from a server to a root.</summary>
/// <param name="Subject">The subject's distinguished name.</param>
/// <param name="Issuer">The issuer's distinguished name.</param>
/// <param name="SerialNumber">The serial number in lower-case hex; empty for a root.</param>
/// <param name="NotAfter">The last second at which it is valid.</param>
/// <param name="IsRoot">Whether it is the root; nodes have it, so it is not served.</param>
public sealed record ChainLink(string Subject, string Issuer, string SerialNumber, DateTimeOffset NotAfter, bool IsRoot);

/// <summary>A volume claim of a registry.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Phase">Bound, Pending or Lost.</param>
/// <param name="Capacity">Its size as Kubernetes writes it; null while it is not bound.</param>
/// <param name="StorageClass">Its class; null for none.</param>
public sealed record ClaimReport(string Name, string Phase, string? Capacity, string? StorageClass);

/// <summary>What was seen on a workload cluster.</summary>
/// <param name="Replicas">The pods, by name.</param>
/// <param name="Claims">The volume claims, by name; null when they can't be read.</param>
/// <param name="Primary">The pod that takes pushes; null where any does.</param>
public sealed record WorkloadReport(IReadOnlyList<ReplicaReport> Replicas, IReadOnlyList<ClaimReport>? Claims, string? Primary);
