namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>Where an object lies: its namespace and its name. Cluster-scoped objects have an empty namespace.</summary>
/// <param name="Namespace">The namespace, or the empty string for a cluster-scoped object.</param>
/// <param name="Name">The object's name.</param>
public readonly record struct NamespacedName(string Namespace, string Name)
{
    /// <summary>The name of a cluster-scoped object.</summary>
    /// <param name="name">The object's name.</param>
    /// <returns>The name with an empty namespace.</returns>
    public static NamespacedName Cluster(string name) => new("", name);

    /// <summary>As people write it: <c>namespace/name</c>, or the name alone for a cluster-scoped object.</summary>
    /// <returns>The text for logs and messages.</returns>
    public override string ToString() => string.IsNullOrEmpty(Namespace) ? Name : $"{Namespace}/{Name}";
}
