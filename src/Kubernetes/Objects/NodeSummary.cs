namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>What a node's kubelet has measured, as far as volumes go: the answer of <c>/stats/summary</c>.</summary>
public sealed record NodeSummary
{
    /// <summary>The pods of the node.</summary>
    public IReadOnlyList<PodStatistics>? Pods { get; init; }
}

/// <summary>What a kubelet has measured of a pod.</summary>
public sealed record PodStatistics
{
    /// <summary>Which pod.</summary>
    public PodReference? PodRef { get; init; }

    /// <summary>Its volumes that have statistics; absent until the kubelet has measured them, about a minute after the start.</summary>
    public IReadOnlyList<VolumeStatistics>? Volume { get; init; }
}

/// <summary>Names a pod in a <see cref="NodeSummary"/>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Namespace">Its namespace.</param>
public sealed record PodReference(string? Name, string? Namespace);

/// <summary>What a kubelet has measured of a volume. Every number comes from the file system and may be absent.</summary>
public sealed record VolumeStatistics
{
    /// <summary>The name of the volume in its pod.</summary>
    public string? Name { get; init; }

    /// <summary>Size of the file system, in bytes.</summary>
    public ulong? CapacityBytes { get; init; }

    /// <summary>What is left for users without privileges, in bytes.</summary>
    public ulong? AvailableBytes { get; init; }

    /// <summary>The number of inodes; 0 on file systems without a fixed number.</summary>
    public ulong? Inodes { get; init; }

    /// <summary>The number of inodes that are left.</summary>
    public ulong? InodesFree { get; init; }
}
