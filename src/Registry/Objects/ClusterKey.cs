using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>Names a Cluster on the management cluster.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
public readonly record struct ClusterKey(string Namespace, string Name)
{
    internal NamespacedName Object => new(Namespace, Name);

    /// <summary>Namespace and name as Kubernetes writes them.</summary>
    /// <returns>The text for logs.</returns>
    public override string ToString() => $"{Namespace}/{Name}";
}
