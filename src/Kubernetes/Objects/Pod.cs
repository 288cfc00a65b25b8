namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>A core/v1 Pod, as far as it takes to know whether it serves.</summary>
public sealed record Pod : IKubernetesObject
{
    /// <summary>Always <c>v1</c>.</summary>
    public string ApiVersion => "v1";

    /// <summary>Always <c>Pod</c>.</summary>
    public string Kind => "Pod";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>Where it runs.</summary>
    public PodSpec? Spec { get; init; }

    /// <summary>What the kubelet says of it.</summary>
    public PodStatus? Status { get; init; }

    /// <summary>True when all its containers are ready and it is not being deleted: Services send it connections.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsReady => Metadata.DeletionTimestamp is null
        && Status?.Conditions?.Any(condition => condition is { Type: "Ready", Status: "True" }) == true;
}

/// <summary>The spec of a <see cref="Pod"/>.</summary>
/// <param name="NodeName">The node it was bound to; null while it waits for one.</param>
public sealed record PodSpec(string? NodeName)
{
    /// <summary>What its containers may mount.</summary>
    public IReadOnlyList<PodVolume?>? Volumes { get; init; }
}

/// <summary>A volume of a <see cref="Pod"/>.</summary>
/// <param name="Name">Its name in the pod.</param>
/// <param name="Secret">The Secret that it shows; null when it is another kind of volume.</param>
public sealed record PodVolume(string? Name, SecretVolume? Secret);

/// <summary>The Secret that a <see cref="PodVolume"/> shows.</summary>
/// <param name="SecretName">Its name.</param>
public sealed record SecretVolume(string? SecretName);

/// <summary>What the kubelet says of a <see cref="Pod"/>.</summary>
public sealed record PodStatus
{
    /// <summary>Pending, Running, Succeeded, Failed or Unknown.</summary>
    public string? Phase { get; init; }

    /// <summary>The conditions, among them <c>Ready</c>.</summary>
    public IReadOnlyList<PodCondition?>? Conditions { get; init; }

    /// <summary>The containers that run before the others.</summary>
    public IReadOnlyList<ContainerStatus?>? InitContainerStatuses { get; init; }

    /// <summary>The containers, as far as the kubelet knows them.</summary>
    public IReadOnlyList<ContainerStatus?>? ContainerStatuses { get; init; }
}

/// <summary>What the kubelet says of a container of a <see cref="Pod"/>.</summary>
public sealed record ContainerStatus
{
    /// <summary>The name of the container.</summary>
    public string? Name { get; init; }

    /// <summary>The image that it is to run.</summary>
    public string? Image { get; init; }

    /// <summary>Whether it serves.</summary>
    public bool Ready { get; init; }

    /// <summary>How often it was started again.</summary>
    public int RestartCount { get; init; }

    /// <summary>What it does now.</summary>
    public ContainerState? State { get; init; }
}

/// <summary>What a container does now.</summary>
/// <param name="Waiting">Why it does not run yet; null when it runs or has ended.</param>
public sealed record ContainerState(ContainerWaiting? Waiting);

/// <summary>Why a container does not run yet.</summary>
/// <param name="Reason">One word, as in <c>ImagePullBackOff</c>.</param>
public sealed record ContainerWaiting(string? Reason);

/// <summary>One condition of a <see cref="Pod"/>.</summary>
/// <param name="Type">What it is about, as in <c>Ready</c>.</param>
/// <param name="Status"><c>True</c>, <c>False</c> or <c>Unknown</c>.</param>
public sealed record PodCondition(string? Type, string? Status);
