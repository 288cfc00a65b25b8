using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Contents;

/// <summary>
/// The artifact that says in a registry which content it holds. It is written last, so that its digest alone tells whether all of the
/// content is there: HEAD of its tag answers with <see cref="ResolvedLock.Digest"/>, or it does not hold the content.
/// </summary>
public static class ContentArtifact
{
    /// <summary>The repository in each registry.</summary>
    public const string Repository = "capi-registry-hook/content";

    /// <summary>The type of the artifact.</summary>
    public const string Type = "application/vnd.capi-registry-hook.content.v1+json";

    /// <summary>The type of its only layer: names and digests as JSON.</summary>
    public const string LockType = "application/vnd.capi-registry-hook.content.lock.v1+json";

    /// <summary>The annotation with the namespace and name of the RegistryContent.</summary>
    public const string NameAnnotation = "capi-registry-hook.io/content";

    /// <summary>The longest name of a RegistryContent: with its namespace it has to fit into a tag.</summary>
    public const int LongestName = 63;

    /// <summary>The tag of a content: a namespace has no dots, so no two contents have the same.</summary>
    public static string TagOf(ContentKey content) => $"{content.Namespace}.{content.Name}";

    /// <summary>The path of the manifest below the address of a registry.</summary>
    public static string ManifestPathOf(ContentKey content) => $"v2/{Repository}/manifests/{TagOf(content)}";

    internal static bool IsName(string? name) => name is { Length: <= LongestName } && KubernetesNames.IsSubdomain(name);
}
