using System.Text.Json.Serialization;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Volumes;

/// <summary>A core/v1 PersistentVolumeClaim, as far as its size goes.</summary>
internal sealed record VolumeClaim : IKubernetesObject
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public ObjectMeta Metadata { get; init; } = new();

    public VolumeClaimSpec? Spec { get; init; }

    public VolumeClaimStatus? Status { get; init; }
}

internal sealed record VolumeClaimSpec(string? StorageClassName, VolumeResources? Resources);

/// <summary>What a claim requests; a storage driver gives at least that, and later when it grows.</summary>
internal sealed record VolumeResources(IReadOnlyDictionary<string, string>? Requests);

/// <summary>What a claim has.</summary>
internal sealed record VolumeClaimStatus(string? Phase, IReadOnlyDictionary<string, string>? Capacity = null);

/// <summary>A storage.k8s.io/v1 StorageClass, as far as it says whether its volumes may grow.</summary>
internal sealed record StorageClass : IKubernetesObject
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public ObjectMeta Metadata { get; init; } = new();

    public bool? AllowVolumeExpansion { get; init; }
}

/// <summary>An apps/v1 StatefulSet, as far as its volumes go.</summary>
internal sealed record VolumeOwner : IKubernetesObject
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public ObjectMeta Metadata { get; init; } = new();

    public VolumeOwnerSpec? Spec { get; init; }
}

internal sealed record VolumeOwnerSpec(IReadOnlyList<VolumeClaim?>? VolumeClaimTemplates);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VolumeClaim))]
[JsonSerializable(typeof(StorageClass))]
[JsonSerializable(typeof(VolumeOwner))]
internal sealed partial class WorkloadVolumesJson : JsonSerializerContext;

/// <summary>The resources of a workload cluster that volumes are made of.</summary>
internal static class VolumeResourceTypes
{
    public static ResourceType<VolumeClaim> Claims { get; } =
        new("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true, WorkloadVolumesJson.Default.VolumeClaim);

    public static ResourceType<StorageClass> Classes { get; } =
        new("storage.k8s.io", "v1", "storageclasses", "StorageClass", false, WorkloadVolumesJson.Default.StorageClass);

    public static ResourceType<VolumeOwner> Owners { get; } =
        new("apps", "v1", "statefulsets", "StatefulSet", true, WorkloadVolumesJson.Default.VolumeOwner);
}
