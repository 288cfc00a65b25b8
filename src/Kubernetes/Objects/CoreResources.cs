namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>The built-in resources this product uses.</summary>
public static class CoreResources
{
    /// <summary>core/v1 Secrets.</summary>
    public static readonly ResourceType<Secret> Secrets = new("", "v1", "secrets", "Secret", true, KubernetesJson.Default.Secret);

    /// <summary>core/v1 Namespaces.</summary>
    public static readonly ResourceType<Namespace> Namespaces = new(
        "", "v1", "namespaces", "Namespace", false, KubernetesJson.Default.Namespace);

    /// <summary>core/v1 Pods.</summary>
    public static readonly ResourceType<Pod> Pods = new("", "v1", "pods", "Pod", true, KubernetesJson.Default.Pod);

    /// <summary>core/v1 Services.</summary>
    public static readonly ResourceType<Service> Services = new("", "v1", "services", "Service", true, KubernetesJson.Default.Service);

    /// <summary>core/v1 PersistentVolumeClaims.</summary>
    public static readonly ResourceType<PersistentVolumeClaim> VolumeClaims = new(
        "", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true, KubernetesJson.Default.PersistentVolumeClaim);

    /// <summary>apps/v1 StatefulSets.</summary>
    public static readonly ResourceType<StatefulSet> StatefulSets = new(
        "apps", "v1", "statefulsets", "StatefulSet", true, KubernetesJson.Default.StatefulSet);

    /// <summary>storage.k8s.io/v1 StorageClasses.</summary>
    public static readonly ResourceType<StorageClass> StorageClasses = new(
        "storage.k8s.io", "v1", "storageclasses", "StorageClass", false, KubernetesJson.Default.StorageClass);

    /// <summary>coordination.k8s.io/v1 Leases.</summary>
    public static readonly ResourceType<Lease> Leases = new(
        "coordination.k8s.io", "v1", "leases", "Lease", true, KubernetesJson.Default.Lease);

    /// <summary>events.k8s.io/v1 Events.</summary>
    public static readonly ResourceType<Event> Events = new("events.k8s.io", "v1", "events", "Event", true, KubernetesJson.Default.Event);
}
