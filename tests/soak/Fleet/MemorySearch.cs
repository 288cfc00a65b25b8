using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using CapiRegistryHook.Kubernetes.Clusters;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>Looks through all objects that a service holds for the name of a Cluster.</summary>
internal static class MemorySearch
{
    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>The way to the first value that names the Cluster; null when there is none.</summary>
    public static string? Find(ClusterKey cluster, params object[] roots)
    {
        var name = new Regex($"(?<![\\w-]){Regex.Escape(cluster.Name)}(?!\\w)", RegexOptions.CultureInvariant);
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var left = new Queue<(object Value, string Path)>(roots.Select(root => (root, root.GetType().Name)));
        while (left.TryDequeue(out var next))
        {
            if (next.Value is string text ? name.IsMatch(text) : next.Value.Equals(cluster))
                return next.Path;
            if (!IsSearched(next.Value.GetType()) || (!next.Value.GetType().IsValueType && !seen.Add(next.Value)))
                continue;
            foreach (var (part, value) in PartsOf(next.Value))
                left.Enqueue((value, $"{next.Path}.{part}"));
        }

        return null;
    }

    private static IEnumerable<(string Name, object Value)> PartsOf(object owner)
    {
        if (owner is Array array)
            return array.GetType().GetElementType()!.IsPrimitive ? [] : array.Cast<object?>().OfType<object>().Select(item => ("[]", item));
        return TypesOf(owner.GetType()).SelectMany(type => type.GetFields(Fields))
            .Where(field => !field.FieldType.IsPointer && !field.FieldType.IsByRefLike)
            .Select(field => (field.Name, Value: field.GetValue(owner))).Where(part => part.Value is not null)
            .Select(part => (part.Name, part.Value!));
    }

    private static IEnumerable<Type> TypesOf(Type type)
    {
        for (var current = type; current is not null; current = current.BaseType)
            yield return current;
    }

    /// <summary>
    /// The product's own types and the collections in which they keep something: not the server beside it, nor the runtime. Two places
    /// are left out that forget by themselves: tickets of the queue when the resync would have been due, idle clients after ten minutes.
    /// </summary>
    private static bool IsSearched(Type type) => type != typeof(SecretKubeconfigClients) && (type.IsArray
        || typeof(ITuple).IsAssignableFrom(type) || type.Name.StartsWith("KeyValuePair", StringComparison.Ordinal)
        || (IsIn(type, "System.Collections") && !type.Name.StartsWith("PriorityQueue", StringComparison.Ordinal))
        || (IsIn(type, "CapiRegistryHook") && !IsIn(type, "CapiRegistryHook.Harness") && !IsIn(type, "CapiRegistryHook.Soak")));

    private static bool IsIn(Type type, string @namespace) =>
        type.Namespace is { } name && (name == @namespace || name.StartsWith($"{@namespace}.", StringComparison.Ordinal));
}
