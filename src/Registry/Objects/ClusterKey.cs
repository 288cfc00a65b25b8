using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>Names a Cluster on the management cluster.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
public readonly record struct ClusterKey(string Namespace, string Name)
{
    internal NamespacedName Object => new(Namespace, Name);

    /// <summary>Reads <c>namespace/name</c>; false when the text is not that.</summary>
    public static bool TryParse(string text, out ClusterKey key)
    {
        var valid = KubernetesNames.TryParsePair(text, out var name);
        key = valid ? new ClusterKey(name.Namespace, name.Name) : default;
        return valid;
    }

    /// <summary>Namespace and name as Kubernetes writes them.</summary>
    /// <returns>The text for logs.</returns>
    public override string ToString() => $"{Namespace}/{Name}";
}
