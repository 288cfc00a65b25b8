using System.Text.Json;
using System.Text.Json.Serialization;

namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>An object of any kind with all of its fields, for kinds of which little is read.</summary>
public sealed record UnstructuredObject : IKubernetesObject
{
    /// <inheritdoc/>
    public string? ApiVersion { get; init; }

    /// <inheritdoc/>
    public string? Kind { get; init; }

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>Everything else, by its name.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Fields { get; set; }

    /// <summary>The resource of such objects.</summary>
    /// <param name="group">The API group, or the empty string for the core group.</param>
    /// <param name="version">The version within the group.</param>
    /// <param name="plural">The resource's name in paths.</param>
    /// <param name="kind">The kind of the objects.</param>
    /// <param name="namespaced">Whether the objects lie in namespaces.</param>
    public static ResourceType<UnstructuredObject> Resource(
        string group, string version, string plural, string kind, bool namespaced = true) =>
        new(group, version, plural, kind, namespaced, KubernetesJson.Default.UnstructuredObject);

    /// <summary>The value at a path, as in <c>spec.template.spec</c>; undefined where there is none.</summary>
    public JsonElement Find(string path)
    {
        var steps = path.Split('.');
        var value = Fields?.GetValueOrDefault(steps[0]) ?? default;
        foreach (var step in steps.Skip(1))
            value = value.Find(step);
        return value;
    }

    /// <summary>The elements of the list at a path; none where there is no list.</summary>
    public IEnumerable<JsonElement> List(string path) => Find(path).Elements();
}

/// <summary>Reads values that may be of another kind than expected.</summary>
public static class LooseJson
{
    /// <summary>The text; null for any other value.</summary>
    public static string? Text(this JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>The text in a field; null where there is none.</summary>
    public static string? Text(this JsonElement value, string name) => value.Find(name).Text();

    /// <summary>The value in a field; undefined where there is none.</summary>
    public static JsonElement Find(this JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var below) ? below : default;

    /// <summary>The elements of a list; none for any other value.</summary>
    public static IEnumerable<JsonElement> Elements(this JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];
}
