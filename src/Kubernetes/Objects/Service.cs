using System.Text.Json.Serialization;

namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>A core/v1 Service, as far as it says where it is and which pods it leads to.</summary>
public sealed record Service : IKubernetesObject
{
    /// <summary>Always <c>v1</c>.</summary>
    public string ApiVersion => "v1";

    /// <summary>Always <c>Service</c>.</summary>
    public string Kind => "Service";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>Its addresses and its pods.</summary>
    public ServiceSpec? Spec { get; init; }

    /// <summary>The one pod of a StatefulSet that it leads to; null when its selector does not name one.</summary>
    [JsonIgnore]
    public string? PodName => Spec?.Selector?.GetValueOrDefault("statefulset.kubernetes.io/pod-name");
}

/// <summary>The spec of a <see cref="Service"/>.</summary>
public sealed record ServiceSpec
{
    /// <summary>The labels of the pods that it leads to.</summary>
    public IReadOnlyDictionary<string, string>? Selector { get; init; }

    /// <summary>Its first address, or <c>None</c>.</summary>
    [JsonPropertyName("clusterIP")]
    public string? ClusterIP { get; init; }

    /// <summary>Its addresses, one per IP family.</summary>
    [JsonPropertyName("clusterIPs")]
    public IReadOnlyList<string?>? ClusterIPs { get; init; }
}
