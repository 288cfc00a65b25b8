using System.Globalization;
using System.Text;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>The paths of the API. The one place that knows them; nothing that is not a plain name gets into one.</summary>
internal static class ResourcePath
{
    public static string Object<T>(ResourceType<T> type, NamespacedName name)
        where T : IKubernetesObject
    {
        var collection = Collection(type, type.Namespaced ? Segment(name.Namespace, "namespace") : ClusterScoped(type, name));
        var path = $"{collection}/{Segment(name.Name, "name")}";
        return type.Subresource is { } part ? $"{path}/{Segment(part, "subresource")}" : path;
    }

    /// <summary>The path of all objects of a namespace; null is all namespaces.</summary>
    public static string Collection<T>(ResourceType<T> type, string? @namespace)
        where T : IKubernetesObject
    {
        var group = type.Group.Length == 0 ? "api" : "apis/" + Segment(type.Group, "group");
        var root = $"{group}/{Segment(type.Version, "version")}";
        return @namespace is null || !type.Namespaced
            ? $"{root}/{Segment(type.Plural, "resource")}"
            : $"{root}/namespaces/{Segment(@namespace, "namespace")}/{Segment(type.Plural, "resource")}";
    }

    /// <summary>Where an API server passes requests on to a node's kubelet.</summary>
    public static string NodeProxy(string node) => $"api/v1/nodes/{Segment(node, "node")}/proxy";

    /// <summary>Appends the parameters that are not null.</summary>
    public static string WithQuery(string path, params ReadOnlySpan<(string Key, string? Value)> parameters)
    {
        StringBuilder result = new(path);
        var separator = '?';
        foreach ((var key, var value) in parameters)
        {
            if (value is null)
                continue;
            result.Append(separator).Append(key).Append('=').Append(Uri.EscapeDataString(value));
            separator = '&';
        }

        return result.ToString();
    }

    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Segment(string? value, string what)
    {
        if (string.IsNullOrEmpty(value))
            throw new ArgumentException($"The {what} of a Kubernetes object is empty.");
        if (!NamespacedName.IsSegment(value))
            throw new ArgumentException($"The {what} of a Kubernetes object is not usable in a path: {Printable(value)}.");
        return Uri.EscapeDataString(value);
    }

    private static string? ClusterScoped<T>(ResourceType<T> type, NamespacedName name)
        where T : IKubernetesObject =>
        string.IsNullOrEmpty(name.Namespace)
            ? null : throw new ArgumentException($"{type} are cluster-scoped, but a namespace was given: {name}.");

    private static string Printable(string value) =>
        '"' + string.Concat(value.Take(64).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)) + '"';
}
