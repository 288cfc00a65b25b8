using System.Text.Json.Serialization;

namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>A coordination.k8s.io/v1 Lease: who of several replicas has the work.</summary>
public sealed record Lease : IKubernetesObject
{
    /// <summary>Always <c>coordination.k8s.io/v1</c>.</summary>
    public string ApiVersion => "coordination.k8s.io/v1";

    /// <summary>Always <c>Lease</c>.</summary>
    public string Kind => "Lease";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>The holder and its times.</summary>
    public LeaseSpec? Spec { get; init; }
}

/// <summary>The holder of a Lease and its times.</summary>
public sealed record LeaseSpec
{
    /// <summary>Who holds it; absent when it was given back.</summary>
    public string? HolderIdentity { get; init; }

    /// <summary>For how many seconds after its last renewal others leave it to the holder.</summary>
    public int? LeaseDurationSeconds { get; init; }

    /// <summary>When the present holder got it.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? AcquireTime { get; init; }

    /// <summary>The holder's last renewal, by the holder's clock.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? RenewTime { get; init; }

    /// <summary>How often the holder changed.</summary>
    public int? LeaseTransitions { get; init; }
}
