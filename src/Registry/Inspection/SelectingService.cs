using System.Text.Json.Serialization;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Inspection;

/// <summary>A core/v1 Service, as far as it says which pods it leads to.</summary>
internal sealed record SelectingService : IKubernetesObject
{
    public string ApiVersion => "v1";

    public string Kind => "Service";

    public ObjectMeta Metadata { get; init; } = new();

    public SelectingServiceSpec? Spec { get; init; }
}

internal sealed record SelectingServiceSpec(IReadOnlyDictionary<string, string>? Selector);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(SelectingService))]
internal sealed partial class InspectionJson : JsonSerializerContext;

/// <summary>The resources of a workload cluster that are looked at here alone.</summary>
internal static class InspectedResources
{
    public static ResourceType<SelectingService> Services { get; } =
        new("", "v1", "services", "Service", true, InspectionJson.Default.SelectingService);
}
