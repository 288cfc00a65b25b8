namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>An apps/v1 StatefulSet, as far as its replicas and their volumes go.</summary>
public sealed record StatefulSet : IKubernetesObject
{
    /// <summary>Always <c>apps/v1</c>.</summary>
    public string ApiVersion => "apps/v1";

    /// <summary>Always <c>StatefulSet</c>.</summary>
    public string Kind => "StatefulSet";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>What it runs.</summary>
    public StatefulSetSpec? Spec { get; init; }
}

/// <summary>The spec of a <see cref="StatefulSet"/>.</summary>
/// <param name="Replicas">How many pods there are to be; null means 1.</param>
/// <param name="VolumeClaimTemplates">The volumes that each pod gets.</param>
public sealed record StatefulSetSpec(int? Replicas, IReadOnlyList<PersistentVolumeClaim?>? VolumeClaimTemplates)
{
    /// <summary>What its pods are made from.</summary>
    public PodTemplate? Template { get; init; }
}

/// <summary>What the pods of a <see cref="StatefulSet"/> are made from.</summary>
/// <param name="Spec">Their spec.</param>
public sealed record PodTemplate(PodSpec? Spec);
