using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>
/// The Cluster among the owners of an object. Hooks of Cluster API 1.12 speak v1beta1 while the reconciler reads v1beta2; both mean the
/// same owner, so the newer version stays and nobody writes an object back and forth.
/// </summary>
internal static class ClusterOwner
{
    /// <summary>Whether an owner is a Cluster, this one or another.</summary>
    public static bool IsCluster(OwnerReference owner) =>
        owner.Kind == "Cluster" && owner.ApiVersion.StartsWith(RegistryResources.ClusterGroup + "/", StringComparison.Ordinal);

    /// <summary>
    /// The Cluster that an object hangs on; null when it names none. The API server takes any text for the name of an owner, and one that
    /// no Cluster can have must not get into the path of a call.
    /// </summary>
    public static ClusterKey? KeyOf(ObjectMeta metadata) =>
        metadata.OwnerReferences?.FirstOrDefault(IsCluster) is { } owner && KubernetesNames.IsSubdomain(owner.Name)
            ? new ClusterKey(metadata.Namespace ?? "", owner.Name) : null;

    /// <summary>
    /// The owner as it is to be written: the one that is there when it is the same Cluster in the same or a newer version.
    /// </summary>
    public static OwnerReference Settle(OwnerReference wanted, ObjectMeta? live) =>
        live?.OwnerReferences?.FirstOrDefault(owner => IsSame(owner, wanted)) ?? wanted;

    /// <summary>Whether the object hangs on this very Cluster.</summary>
    public static bool Owns(Cluster cluster, ObjectMeta live) =>
        live.OwnerReferences?.Any(owner => IsCluster(owner) && owner.Uid == cluster.Metadata.Uid) == true;

    // v1beta1 sorts before v1beta2; a v1 to come sorts before both, and is then written by both.
    private static bool IsSame(OwnerReference owner, OwnerReference wanted) =>
        IsCluster(owner) && (owner.Name, owner.Uid) == (wanted.Name, wanted.Uid)
        && string.CompareOrdinal(owner.ApiVersion, wanted.ApiVersion) >= 0;
}
