using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Objects;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Cluster))]
[JsonSerializable(typeof(HelmChartProxy))]
[JsonSerializable(typeof(HelmChartProxySpec))]
[JsonSerializable(typeof(ObjectHeader))]
[JsonSerializable(typeof(ExtensionConfig))]
[JsonSerializable(typeof(HelmReleaseProxy))]
[JsonSerializable(typeof(ClusterConditions))]
[JsonSerializable(typeof(ObjectCondition))]
[JsonSerializable(typeof(JsonNode))]
[JsonSerializable(typeof(ClusterClass))]
[JsonSerializable(typeof(MutatingWebhookConfiguration))]
[JsonSerializable(typeof(List<OwnerReference>))]
internal sealed partial class RegistryJson : JsonSerializerContext;

/// <summary>The resources of Cluster API that this room reads and writes.</summary>
internal static class RegistryResources
{
    public const string ClusterGroup = "cluster.x-k8s.io";

    /// <summary>Every Cluster API that sends Clusters without an apiVersion (1.12 and older) serves v1beta1.</summary>
    public const string OldestClusterVersion = "v1beta1";

    /// <summary>Served from Cluster API 1.11 on.</summary>
    public const string NewestClusterVersion = "v1beta2";

    public static ResourceType<HelmChartProxy> HelmChartProxies { get; } =
        new("addons.cluster.x-k8s.io", "v1alpha1", "helmchartproxies", "HelmChartProxy", true, RegistryJson.Default.HelmChartProxy);

    /// <summary>HelmChartProxies, of which only the metadata is read.</summary>
    public static ResourceType<ObjectHeader> HelmChartProxyHeaders { get; } =
        Headers("addons.cluster.x-k8s.io", "v1alpha1", "helmchartproxies", "HelmChartProxy");

    /// <summary>HelmChartProxies as they are sent, of which metadata and conditions are read.</summary>
    public static ResourceType<ObjectHeader> HelmChartProxyConditions { get; } =
        new("addons.cluster.x-k8s.io", "v1alpha1", "helmchartproxies", "HelmChartProxy", true, RegistryJson.Default.ObjectHeader);

    /// <summary>What the add-on provider makes of HelmChartProxies.</summary>
    public static ResourceType<HelmReleaseProxy> HelmReleaseProxies { get; } =
        new("addons.cluster.x-k8s.io", "v1alpha1", "helmreleaseproxies", "HelmReleaseProxy", true, RegistryJson.Default.HelmReleaseProxy);

    /// <summary>Secrets, of which only the metadata is read.</summary>
    public static ResourceType<ObjectHeader> SecretHeaders { get; } = Headers("", "v1", "secrets", "Secret");

    /// <summary>PersistentVolumeClaims, of which only the metadata is read.</summary>
    public static ResourceType<ObjectHeader> VolumeClaimHeaders { get; } =
        Headers("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim");

    /// <summary>ExtensionConfigs in a version of the API.</summary>
    public static ResourceType<ExtensionConfig> ExtensionConfigs(string version) =>
        new("runtime.cluster.x-k8s.io", version, "extensionconfigs", "ExtensionConfig", false, RegistryJson.Default.ExtensionConfig);

    /// <summary>ClusterClasses in the version of a Cluster: both are served by the same Cluster API.</summary>
    public static ResourceType<ClusterClass> ClusterClasses(Cluster cluster) =>
        new(ClusterGroup, ClusterVersion(cluster), "clusterclasses", "ClusterClass", true, RegistryJson.Default.ClusterClass);

    public static ResourceType<MutatingWebhookConfiguration> MutatingWebhooks { get; } = new(
        "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", false,
        RegistryJson.Default.MutatingWebhookConfiguration);

    /// <summary>Clusters in the version that the caller speaks, so that no version is asked for that is not served.</summary>
    public static ResourceType<Cluster> Clusters(Cluster cluster) => Clusters(ClusterVersion(cluster));

    /// <summary>Clusters in a version.</summary>
    public static ResourceType<Cluster> Clusters(string version) =>
        new(ClusterGroup, version, "clusters", "Cluster", true, RegistryJson.Default.Cluster);

    /// <summary>Clusters in a version, of which only the metadata is read.</summary>
    public static ResourceType<ObjectHeader> ClusterHeaders(string version) =>
        Headers(ClusterGroup, version, "clusters", "Cluster");

    /// <summary>The status of Clusters, in the version that a Cluster was read in.</summary>
    public static ResourceType<ClusterConditions> ClusterStatuses(Cluster cluster) =>
        new(ClusterGroup, ClusterVersion(cluster), "clusters", "Cluster", true, RegistryJson.Default.ClusterConditions)
        {
            Subresource = "status",
        };

    /// <summary>Machines, in the version of their Cluster: both are served by the same Cluster API.</summary>
    public static ResourceType<ObjectHeader> Machines(Cluster cluster) =>
        Headers(ClusterGroup, ClusterVersion(cluster), "machines", "Machine");

    /// <summary>Machines as they are sent, of which metadata and addresses are read.</summary>
    public static ResourceType<ObjectHeader> MachineStates(Cluster cluster) =>
        new(ClusterGroup, ClusterVersion(cluster), "machines", "Machine", true, RegistryJson.Default.ObjectHeader);

    public static ResourceType<ObjectHeader> MachinePools(Cluster cluster) =>
        Headers(ClusterGroup, ClusterVersion(cluster), "machinepools", "MachinePool");

    public static string ClusterApiVersion(Cluster cluster) => $"{ClusterGroup}/{ClusterVersion(cluster)}";

    /// <summary>It goes into paths of the API and into owner references.</summary>
    public static bool IsClusterVersion(string? apiVersion) =>
        string.IsNullOrEmpty(apiVersion)
        || (apiVersion.StartsWith(ClusterGroup + "/", StringComparison.Ordinal)
        && KubernetesNames.IsLabel(apiVersion[(ClusterGroup.Length + 1)..]));

    private static ResourceType<ObjectHeader> Headers(string group, string version, string plural, string kind) =>
        new(group, version, plural, kind, true, RegistryJson.Default.ObjectHeader) { MetadataOnly = true };

    /// <summary>The version of Cluster API in which the Cluster was read.</summary>
    public static string ClusterVersion(Cluster cluster)
    {
        var apiVersion = cluster.ApiVersion ?? "";
        return apiVersion.StartsWith(ClusterGroup + "/", StringComparison.Ordinal)
            ? apiVersion[(ClusterGroup.Length + 1)..]
            : OldestClusterVersion;
    }
}
