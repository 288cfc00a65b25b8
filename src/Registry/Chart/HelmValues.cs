using System.Text.Json.Nodes;

namespace CapiRegistryHook.Registry.Chart;

/// <summary>Lays Helm values over each other as Helm does: objects are merged, everything else is replaced.</summary>
internal static class HelmValues
{
    /// <summary>Both, where <paramref name="upper"/> wins. A null stays, because it removes a default of the chart later.</summary>
    public static JsonObject Merge(JsonObject lower, JsonObject upper)
    {
        var result = (JsonObject)lower.DeepClone();
        foreach (var (name, value) in upper)
            result[name] = result[name] is JsonObject below && value is JsonObject above ? Merge(below, above) : value?.DeepClone();
        return result;
    }

    /// <summary>What the chart's templates see: the chart's defaults under the values, without what a null removes.</summary>
    public static JsonObject Coalesce(JsonObject defaults, JsonObject values) => WithoutNulls(Merge(defaults, values), values);

    /// <summary>Only a null among the values removes; one among the defaults is a default like any other.</summary>
    private static JsonObject WithoutNulls(JsonObject merged, JsonObject values)
    {
        foreach (var (name, value) in values)
        {
            if (value is null)
                merged.Remove(name);
            else if (value is JsonObject inner && merged[name] is JsonObject below)
                WithoutNulls(below, inner);
        }

        return merged;
    }

    /// <summary>The value at a path like <c>tls.secretName</c>; null where there is none.</summary>
    public static JsonNode? Find(JsonObject values, string path)
    {
        TryFind(values, path, out var value);
        return value;
    }

    /// <summary>True when the path is set, be it to null.</summary>
    public static bool Has(JsonObject values, string path) => TryFind(values, path, out _);

    /// <summary>The last step may have dots itself: the name of an annotation.</summary>
    private static bool TryFind(JsonObject values, string path, out JsonNode? value)
    {
        if (values.TryGetPropertyValue(path, out value))
            return true;
        var dot = path.IndexOf('.', StringComparison.Ordinal);
        return dot >= 0 && values[path[..dot]] is JsonObject below && TryFind(below, path[(dot + 1)..], out value);
    }
}
