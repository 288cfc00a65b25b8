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

    /// <summary>A DNS-1123 subdomain has at most 253 characters; no built-in kind allows longer names.</summary>
    private const int LongestSegment = 253;

    /// <summary>
    /// The API's own rule for any name in a path (apimachinery, IsValidPathSegmentName): neither "." nor "..", no '/' and no '%'.
    /// Control characters and overlong names are refused as well.
    /// </summary>
    internal static bool IsSegment(string? value) =>
        value is { Length: > 0 and <= LongestSegment } and not ("." or "..")
        && !value.Any(c => c is '/' or '%' or '\\' || char.IsControl(c) || char.IsSurrogate(c));

    /// <summary>Where the object with this metadata lies.</summary>
    internal static NamespacedName Of(ObjectMeta metadata) => new(metadata.Namespace ?? "", metadata.Name ?? "");

    /// <summary>As people write it: <c>namespace/name</c>, or the name alone for a cluster-scoped object.</summary>
    /// <returns>The text for logs and messages.</returns>
    public override string ToString() => string.IsNullOrEmpty(Namespace) ? Name : $"{Namespace}/{Name}";
}
