using System.Text.Json.Serialization;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Delivery.Clusters;

/// <summary>An apps/v1 StatefulSet, as far as it says how many replicas there are.</summary>
internal sealed record StatefulSet : IKubernetesObject
{
    public string ApiVersion => "apps/v1";

    public string Kind => "StatefulSet";

    public ObjectMeta Metadata { get; init; } = new();

    public StatefulSetSpec? Spec { get; init; }
}

/// <summary>The spec of a <see cref="StatefulSet"/>.</summary>
internal sealed record StatefulSetSpec(int? Replicas);

/// <summary>A core/v1 Service, as far as it says which pods it leads to.</summary>
internal sealed record Service : IKubernetesObject
{
    public string ApiVersion => "v1";

    public string Kind => "Service";

    public ObjectMeta Metadata { get; init; } = new();

    public ServiceSpec? Spec { get; init; }
}

/// <summary>The spec of a <see cref="Service"/>.</summary>
internal sealed record ServiceSpec(
    IReadOnlyDictionary<string, string>? Selector, [property: JsonPropertyName("clusterIP")] string? ClusterIP);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(StatefulSet))]
[JsonSerializable(typeof(Service))]
internal sealed partial class DeliveryJson : JsonSerializerContext;

/// <summary>The resources of a workload cluster that this room reads.</summary>
internal static class WorkloadResources
{
    public static ResourceType<StatefulSet> StatefulSets { get; } =
        new("apps", "v1", "statefulsets", "StatefulSet", true, DeliveryJson.Default.StatefulSet);

    public static ResourceType<Service> Services { get; } = new("", "v1", "services", "Service", true, DeliveryJson.Default.Service);
}
