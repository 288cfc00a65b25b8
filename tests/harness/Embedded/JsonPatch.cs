using System.Globalization;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>RFC 6902. Anything that does not apply, a failed test included, refuses the whole patch.</summary>
public static class JsonPatch
{
    /// <summary>The target with the patch applied; the target itself stays as it is.</summary>
    public static JsonObject Apply(JsonObject target, JsonNode? patch)
    {
        if (patch is not JsonArray operations)
            throw ApiError.BadRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch");
        var document = target.DeepClone();
        foreach (var operation in operations) document = Apply(document, operation as JsonObject ?? throw ApiError.PatchRejected());
        return document as JsonObject ?? throw ApiError.PatchRejected();
    }

    private static JsonNode? Apply(JsonNode? document, JsonObject operation)
    {
        var path = Pointer(operation, "path");
        switch ((string?)operation["op"])
        {
            case "add": return Add(document, path, Value(operation));
            case "remove": return Remove(document, path, out _);
            case "replace": return Replace(document, path, Value(operation));
            case "test": return JsonNode.DeepEquals(Read(document, path), operation["value"]) ? document : throw ApiError.PatchRejected();
            case "copy": return Add(document, path, Read(document, Pointer(operation, "from"))?.DeepClone());
            case "move":
                var without = Remove(document, Pointer(operation, "from"), out var moved);
                return Add(without, path, moved);
            default: throw ApiError.PatchRejected();
        }
    }

    private static JsonNode? Value(JsonObject operation) =>
        operation.TryGetPropertyValue("value", out var value) ? value?.DeepClone() : throw ApiError.PatchRejected();

    private static JsonNode? Read(JsonNode? document, string[] path) =>
        path.Aggregate(document, (node, token) => node switch
        {
            JsonObject map when map.TryGetPropertyValue(token, out var child) => child,
            JsonArray list => list[Index(token, list.Count - 1)],
            _ => throw ApiError.PatchRejected(),
        });

    private static JsonNode? Add(JsonNode? document, string[] path, JsonNode? value)
    {
        if (path.Length == 0) return value;
        switch (Read(document, path[..^1]))
        {
            case JsonObject map: map[path[^1]] = value; break;
            case JsonArray list: list.Insert(path[^1] == "-" ? list.Count : Index(path[^1], list.Count), value); break;
            default: throw ApiError.PatchRejected();
        }

        return document;
    }

    private static JsonNode? Replace(JsonNode? document, string[] path, JsonNode? value)
    {
        if (path.Length == 0) return value;
        var parent = Read(document, path[..^1]);
        Read(parent, path[^1..]);
        if (parent is JsonArray list) list[Index(path[^1], list.Count - 1)] = value;
        else parent!.AsObject()[path[^1]] = value;
        return document;
    }

    private static JsonNode? Remove(JsonNode? document, string[] path, out JsonNode? removed)
    {
        if (path.Length == 0) throw ApiError.PatchRejected();
        var parent = Read(document, path[..^1]);
        removed = Read(parent, path[^1..]);
        if (parent is JsonArray list) list.RemoveAt(Index(path[^1], list.Count - 1));
        else parent!.AsObject().Remove(path[^1]);
        return document;
    }

    private static int Index(string token, int last) =>
        int.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index <= last
            ? index : throw ApiError.PatchRejected();

    private static string[] Pointer(JsonObject operation, string member)
    {
        var text = (string?)operation[member];
        if (text is null || (text.Length > 0 && text[0] != '/')) throw ApiError.PatchRejected();
        return [.. text.Split('/').Skip(1).Select(token =>
            token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];
    }
}
