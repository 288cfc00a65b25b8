using System.Text.Json.Serialization;

namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>A storage.k8s.io/v1 StorageClass, as far as it says whether it is the default and whether its volumes may grow.</summary>
public sealed record StorageClass : IKubernetesObject
{
    private const string DefaultAnnotation = "storageclass.kubernetes.io/is-default-class";

    /// <summary>Always <c>storage.k8s.io/v1</c>.</summary>
    public string ApiVersion => "storage.k8s.io/v1";

    /// <summary>Always <c>StorageClass</c>.</summary>
    public string Kind => "StorageClass";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>Whether claims of this class may grow; null means no.</summary>
    public bool? AllowVolumeExpansion { get; init; }

    /// <summary>True for the class of claims that name none.</summary>
    [JsonIgnore]
    public bool IsDefault => Metadata.Annotations?.GetValueOrDefault(DefaultAnnotation) == "true";
}
