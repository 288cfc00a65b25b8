using System.Collections.Immutable;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>A kind of object as it is stored, whatever group and version it is asked for in. The first version is the stored one.</summary>
internal sealed record ApiResource(string Plural, bool Namespaced, params ServedVersion[] Versions)
{
    /// <summary>A custom resource: generation is counted, items of a list carry their type, wrong types are 422 and not 400.</summary>
    public bool Custom { get; init; }

    public bool StatusSubresource { get; init; }

    /// <summary>PUT to a name that does not exist creates the object.</summary>
    public bool CreateOnUpdate { get; init; }

    /// <summary>PUT without a resourceVersion overwrites whatever is there.</summary>
    public bool UnconditionalUpdate { get; init; }

    public ServedVersion Stored => Versions[0];
}

/// <summary>
/// One group and version under which a resource is served. Renames maps this version's field names to the stored version's.
/// </summary>
internal sealed record ServedVersion(string Group, string Version, string Kind, FieldSchema Schema)
{
    public ImmutableDictionary<string, string> Renames { get; init; } = ImmutableDictionary<string, string>.Empty;

    public string GroupVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";
}

/// <summary>A resource seen through one of its versions: what a URL names.</summary>
internal sealed record ServedResource(ApiResource Resource, ServedVersion Version)
{
    public string QualifiedPlural => Qualify(Resource.Plural);

    public string QualifiedKind => Qualify(Version.Kind);

    private string Qualify(string name) => Version.Group.Length == 0 ? name : $"{name}.{Version.Group}";
}

/// <summary>Everything the server serves. A new resource is one more line here and, where it has fields of interest, a schema.</summary>
internal static class ResourceTable
{
    public static readonly ApiResource Namespaces = new(
        "namespaces", false, new ServedVersion("", "v1", "Namespace", ResourceSchemas.Namespace))
    { UnconditionalUpdate = true, StatusSubresource = true };

    public static readonly ApiResource Secrets = new("secrets", true, new ServedVersion("", "v1", "Secret", ResourceSchemas.Secret))
    { UnconditionalUpdate = true };

    public static readonly ApiResource ConfigMaps = new(
        "configmaps", true, new ServedVersion("", "v1", "ConfigMap", ResourceSchemas.ConfigMap))
    { UnconditionalUpdate = true };

    public static readonly ApiResource Leases = new(
        "leases", true, new ServedVersion("coordination.k8s.io", "v1", "Lease", ResourceSchemas.Lease))
    { CreateOnUpdate = true };

    public static readonly ApiResource Events = new("events", true,
        new ServedVersion("", "v1", "Event", ResourceSchemas.CoreEvent),
        new ServedVersion("events.k8s.io", "v1", "Event", ResourceSchemas.Event) { Renames = EventRenames() })
    { CreateOnUpdate = true, UnconditionalUpdate = true };

    public static readonly ImmutableArray<ApiResource> All =
    [
        Namespaces, Secrets, ConfigMaps, Leases, Events,
        new("persistentvolumeclaims", true,
        new ServedVersion("", "v1", "PersistentVolumeClaim", ResourceSchemas.Open)) { UnconditionalUpdate = true },
        new("serviceaccounts", true,
        new ServedVersion("", "v1", "ServiceAccount", ResourceSchemas.ServiceAccount)) { UnconditionalUpdate = true },
        new("clusters", true,
            new ServedVersion("cluster.x-k8s.io", "v1beta2", "Cluster", ResourceSchemas.Cluster),
            new ServedVersion("cluster.x-k8s.io", "v1beta1", "Cluster", ResourceSchemas.FormerCluster)) { Custom = true,
            StatusSubresource = true },
        new("pods", true, new ServedVersion("", "v1", "Pod", ResourceSchemas.Open)) { StatusSubresource = true },
        new("storageclasses", false, new ServedVersion("storage.k8s.io", "v1", "StorageClass", ResourceSchemas.StorageClass)),
        new("nodes", false, new ServedVersion("", "v1", "Node", ResourceSchemas.Open)) { StatusSubresource = true },
        new("services", true, new ServedVersion("", "v1", "Service", ResourceSchemas.Open)),
        new("statefulsets", true, new ServedVersion("apps", "v1", "StatefulSet", ResourceSchemas.Open)) { StatusSubresource = true },
        Workload("", "v1", "podtemplates", "PodTemplate"), Workload("", "v1", "replicationcontrollers", "ReplicationController"),
        Workload("apps", "v1", "deployments", "Deployment"), Workload("apps", "v1", "replicasets", "ReplicaSet"),
        Workload("apps", "v1", "daemonsets", "DaemonSet"), Workload("apps", "v1", "controllerrevisions", "ControllerRevision"),
        Workload("batch", "v1", "jobs", "Job"), Workload("batch", "v1beta1", "cronjobs", "CronJob"),
        OpenKind("machines", "Machine"),
        OpenKind("machinepools", "MachinePool"),
        OpenKind("clusterclasses", "ClusterClass"),
        new("mutatingwebhookconfigurations", false, new ServedVersion("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration",
            ResourceSchemas.MutatingWebhookConfiguration)) { UnconditionalUpdate = true },
        new("helmchartproxies", true,
            new ServedVersion("addons.cluster.x-k8s.io", "v1alpha1", "HelmChartProxy", ResourceSchemas.HelmChartProxy))
            { Custom = true, StatusSubresource = true },
        new("registrycontents", true,
            new ServedVersion("capi-registry-hook.io", "v1alpha1", "RegistryContent", ResourceSchemas.RegistryContent))
            { Custom = true, StatusSubresource = true },
        new("helmreleaseproxies", true,
            new ServedVersion("addons.cluster.x-k8s.io", "v1alpha1", "HelmReleaseProxy", ResourceSchemas.Open))
            { Custom = true, StatusSubresource = true },
        new("extensionconfigs", false,
            new ServedVersion("runtime.cluster.x-k8s.io", "v1beta2", "ExtensionConfig", ResourceSchemas.ExtensionConfig))
            { Custom = true, StatusSubresource = true },
    ];

    public static readonly ImmutableArray<ServedResource> Served =
        [.. All.SelectMany(resource => resource.Versions, (resource, version) => new ServedResource(resource, version))];

    public static ServedResource? Find(string group, string version, string plural) => Served.FirstOrDefault(served =>
        served.Version.Group == group && served.Version.Version == version && served.Resource.Plural == plural);

    /// <summary>A kind that has pods, of which nothing is checked.</summary>
    private static ApiResource Workload(string group, string version, string plural, string kind) =>
        new(plural, true, new ServedVersion(group, version, kind, ResourceSchemas.Open));

    /// <summary>A kind of Cluster API of which nobody here reads more than the metadata.</summary>
    private static ApiResource OpenKind(string plural, string kind) => new(plural, true,
        new ServedVersion("cluster.x-k8s.io", "v1beta2", kind, ResourceSchemas.Open),
        new ServedVersion("cluster.x-k8s.io", "v1beta1", kind, ResourceSchemas.Open)) { Custom = true, StatusSubresource = true };

    private static ImmutableDictionary<string, string> EventRenames() => new Dictionary<string, string>
    {
        ["regarding"] = "involvedObject",
        ["note"] = "message",
        ["deprecatedSource"] = "source",
        ["deprecatedFirstTimestamp"] = "firstTimestamp",
        ["deprecatedLastTimestamp"] = "lastTimestamp",
        ["deprecatedCount"] = "count",
        ["reportingController"] = "reportingComponent",
    }.ToImmutableDictionary(StringComparer.Ordinal);
}
