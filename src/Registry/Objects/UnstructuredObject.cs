using System.Text.Json;
using System.Text.Json.Serialization;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>Any object with all of its fields, for what is looked at once and never written.</summary>
internal sealed record UnstructuredObject : IKubernetesObject
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>Everything else, by its name.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Fields { get; set; }

    /// <summary>The value at a path, as in <c>spec.template.spec</c>; undefined where there is none.</summary>
    public JsonElement Find(string path)
    {
        var steps = path.Split('.');
        var value = Fields?.GetValueOrDefault(steps[0]) ?? default;
        foreach (var step in steps.Skip(1))
            value = value.ValueKind == JsonValueKind.Object && value.TryGetProperty(step, out var below) ? below : default;
        return value;
    }

    /// <summary>The text at a path; null where there is none.</summary>
    public string? Text(string path) => Find(path).Text();

    /// <summary>The elements of the list at a path; none where there is no list.</summary>
    public IEnumerable<JsonElement> List(string path) => Find(path).Elements();
}

/// <summary>Reads values that may be of another kind than expected.</summary>
internal static class LooseJson
{
    public static string? Text(this JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static string? Text(this JsonElement value, string name) => value.Find(name).Text();

    public static JsonElement Find(this JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var below) ? below : default;

    public static IEnumerable<JsonElement> Elements(this JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];
}
