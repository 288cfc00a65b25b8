using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>RFC 7386: null removes, objects merge, everything else replaces.</summary>
internal static class MergePatch
{
    public static JsonObject Apply(JsonObject target, JsonNode? patch) =>
        patch is JsonObject fields ? Merge(target, fields) : throw ApiError.BadRequest("Invalid JSON Patch");

    private static JsonObject Merge(JsonObject? target, JsonObject patch)
    {
        var result = target?.DeepClone().AsObject() ?? [];
        foreach (var (name, value) in patch)
        {
            if (value is null) result.Remove(name);
            else result[name] = value is JsonObject fields ? Merge(result[name] as JsonObject, fields) : value.DeepClone();
        }

        return result;
    }
}
