using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Contents;

/// <summary>Decides which contents are for a Cluster. Pure.</summary>
/// <param name="sharedNamespaces">The namespaces whose contents may select Clusters of all namespaces.</param>
public sealed class ContentSelection(IReadOnlyList<string> sharedNamespaces)
{
    /// <summary>
    /// Whether a content is for a Cluster: it is valid, its selector matches, and it lies in the Cluster's namespace or may select beyond
    /// its own. Whether the Cluster has a registry is not asked here; a suspended content is still for it.
    /// </summary>
    /// <param name="content">The content.</param>
    /// <param name="cluster">The Cluster.</param>
    /// <param name="labels">The labels of the Cluster.</param>
    public bool Selects(RegistryContent content, ClusterKey cluster, IReadOnlyDictionary<string, string>? labels) =>
        SelectsIfValid(content, cluster, labels) && IsValid(content);

    /// <summary>The same for a content that is known to be valid.</summary>
    public bool SelectsIfValid(RegistryContent content, ClusterKey cluster, IReadOnlyDictionary<string, string>? labels) =>
        content.Metadata.DeletionTimestamp is null && (content.Metadata.Namespace == cluster.Namespace || IsShared(content))
        && content.Spec?.ClusterSelector?.Matches(labels) != false;

    /// <summary>Whether a content can be used at all.</summary>
    public bool IsValid(RegistryContent content) => ContentRules.Validate(content, sharedNamespaces).Count == 0;

    /// <summary>Whether an upgrade to a Kubernetes version needs a content.</summary>
    /// <param name="content">The content.</param>
    /// <param name="version">The version, for example <c>v1.35.2</c>; with or without the v, and with any suffix of a build.</param>
    public static bool IsNeededFor(RegistryContent content, string version) =>
        content.Spec?.KubernetesVersions?.Any(known => Includes(known, version)) == true;

    /// <summary>Whether a content is suspended: nothing is sent, so nothing is worth waiting for.</summary>
    public static bool IsSuspended(RegistryContent content) => content.Spec?.Suspend == true;

    private bool IsShared(RegistryContent content) =>
        content.Spec?.AllNamespaces == true && sharedNamespaces.Contains(content.Metadata.Namespace ?? "");

    // v1.35 includes v1.35.2, and v1.35.2 includes v1.35.2+build.1, but v1.3 is another minor version than v1.35.
    private static bool Includes(string? known, string version)
    {
        var (wide, narrow) = ((known ?? "").TrimStart('v'), version.TrimStart('v'));
        return wide.Length > 0 && narrow.StartsWith(wide, StringComparison.Ordinal)
            && (narrow.Length == wide.Length || narrow[wide.Length] is '+'
            || (narrow[wide.Length] is '.' && wide.Count(c => c == '.') == 1));
    }
}
