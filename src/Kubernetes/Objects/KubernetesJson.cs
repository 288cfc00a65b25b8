using System.Text.Json.Serialization;

namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>The generated JSON code of the objects this room knows. Unknown fields are skipped, nulls are not written.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(Secret))]
[JsonSerializable(typeof(Namespace))]
[JsonSerializable(typeof(Pod))]
[JsonSerializable(typeof(Lease))]
[JsonSerializable(typeof(Event))]
[JsonSerializable(typeof(ApiStatus))]
[JsonSerializable(typeof(ListMeta))]
[JsonSerializable(typeof(PartialObject))]
[JsonSerializable(typeof(ExecCredential))]
[JsonSerializable(typeof(NodeSummary))]
[JsonSerializable(typeof(PodStatistics))]
[JsonSerializable(typeof(VolumeStatistics))]
[JsonSerializable(typeof(Service))]
[JsonSerializable(typeof(StatefulSet))]
[JsonSerializable(typeof(PersistentVolumeClaim))]
[JsonSerializable(typeof(StorageClass))]
[JsonSerializable(typeof(UnstructuredObject))]
internal sealed partial class KubernetesJson : JsonSerializerContext;
