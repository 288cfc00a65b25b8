using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>Labels of what this product makes.</summary>
internal static class ObjectLabels
{
    public const string FieldManager = "capi-registry-hook";

    private const string ManagedBy = "app.kubernetes.io/managed-by";

    /// <summary>Selects what was made or taken over by this product.</summary>
    public const string ManagedSelector = $"{ManagedBy}={FieldManager}";

    /// <summary>Makes <c>clusterctl move</c> carry an object that it would not find by ownership alone.</summary>
    private const string Move = "clusterctl.cluster.x-k8s.io/move";

    /// <summary>Of the root CA Secret.</summary>
    public static IReadOnlyDictionary<string, string> Movable { get; } = new Dictionary<string, string> { [ManagedBy] = FieldManager,
        [Move] = "" };

    /// <summary>Of objects on the workload cluster.</summary>
    public static IReadOnlyDictionary<string, string> Workload { get; } = new Dictionary<string, string> { [ManagedBy] = FieldManager };

    /// <summary>Of the HelmChartProxy.</summary>
    public static IReadOnlyDictionary<string, string> For(RegistryPlan plan) => new Dictionary<string, string>
    {
        [ManagedBy] = FieldManager,
        [RegistryPlan.ClusterNameLabel] = plan.Cluster.Name.Name,
    };

    /// <summary>Of the cluster CA Secret.</summary>
    public static IReadOnlyDictionary<string, string> OfTrust(RegistryPlan plan) =>
        new Dictionary<string, string>(For(plan)) { [Move] = "" };

    /// <summary>True when this product made the object for this very Cluster.</summary>
    public static bool IsManagedFor(Cluster cluster, ObjectMeta metadata) => IsManaged(metadata) && ClusterOwner.Owns(cluster, metadata);

    /// <summary>True when the object was made or taken over by this product.</summary>
    public static bool IsManaged(ObjectMeta metadata) => metadata.Labels?.GetValueOrDefault(ManagedBy) == FieldManager;
}
