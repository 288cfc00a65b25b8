namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>A core/v1 PersistentVolumeClaim, as far as its size goes.</summary>
public sealed record PersistentVolumeClaim : IKubernetesObject
{
    /// <summary>Always <c>v1</c>.</summary>
    public string ApiVersion => "v1";

    /// <summary>Always <c>PersistentVolumeClaim</c>.</summary>
    public string Kind => "PersistentVolumeClaim";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>What it asks for.</summary>
    public PersistentVolumeClaimSpec? Spec { get; init; }

    /// <summary>What it has.</summary>
    public PersistentVolumeClaimStatus? Status { get; init; }
}

/// <summary>The spec of a <see cref="PersistentVolumeClaim"/>.</summary>
/// <param name="StorageClassName">Its class; empty or null for none.</param>
/// <param name="Resources">Its size.</param>
public sealed record PersistentVolumeClaimSpec(string? StorageClassName, VolumeResources? Resources);

/// <summary>The size that a <see cref="PersistentVolumeClaim"/> asks for.</summary>
/// <param name="Requests">At least that, under <c>storage</c>; a storage driver may give more.</param>
public sealed record VolumeResources(IReadOnlyDictionary<string, string>? Requests);

/// <summary>The status of a <see cref="PersistentVolumeClaim"/>.</summary>
/// <param name="Phase">Pending, Bound or Lost.</param>
/// <param name="Capacity">The size of its volume, under <c>storage</c>; null before it has one.</param>
public sealed record PersistentVolumeClaimStatus(string? Phase, IReadOnlyDictionary<string, string>? Capacity);
