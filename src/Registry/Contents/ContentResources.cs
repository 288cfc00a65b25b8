using System.Text.Json.Serialization;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Contents;

/// <summary>The resource of this product on the management cluster.</summary>
internal static class ContentResources
{
    public const string Group = "capi-registry-hook.io";

    /// <summary>
    /// The annotation of a Cluster that makes the syncer hurry, whatever windows and backoff say. Its value is what the hurry is for, as a
    /// Kubernetes version; a new value is a new request.
    /// </summary>
    public const string NeededAnnotation = "capi-registry-hook.io/content-needed";

    public static ResourceType<RegistryContent> Contents { get; } =
        new(Group, "v1alpha1", "registrycontents", "RegistryContent", true, ContentJson.Default.RegistryContent);

    public static ResourceType<ContentConfigMap> ConfigMaps { get; } =
        new("", "v1", "configmaps", "ConfigMap", true, ContentJson.Default.ContentConfigMap);
}

/// <summary>A core/v1 ConfigMap, as far as it may hold a lock.</summary>
internal sealed record ContentConfigMap : IKubernetesObject
{
    public string ApiVersion => "v1";

    public string Kind => "ConfigMap";

    public ObjectMeta Metadata { get; init; } = new();

    public IReadOnlyDictionary<string, string>? Data { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RegistryContent))]
[JsonSerializable(typeof(ContentConfigMap))]
internal sealed partial class ContentJson : JsonSerializerContext;
