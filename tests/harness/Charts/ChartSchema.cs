using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness;

/// <summary>A chart's values.schema.json, beside its values.</summary>
public sealed class ChartSchema(JsonObject root)
{
    // The file is for people: no escapes where none are needed.
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ChartSchema Read(string text) => new(JsonNode.Parse(text)!.AsObject());

    /// <summary>The type as a table shows it; null when the schema does not know the value.</summary>
    public string? TypeOf(string path) => Find(path)?["type"] switch
    {
        JsonArray types => string.Join(" or ", types.Select(type => (string)type!)),
        JsonValue type => (string)type! == "array" ? "list" : (string)type!,
        _ => null,
    };

    /// <summary>The same schema with each value's comment as its description.</summary>
    public string WithDescriptions(IEnumerable<ChartValue> values)
    {
        var described = new ChartSchema(root.DeepClone().AsObject());
        foreach (var value in values)
        {
            if (described.Find(value.Path) is { } node)
                node["description"] = value.Description;
        }

        return described.ToString();
    }

    /// <summary>Where the schema lists properties but lets others through, too.</summary>
    public IEnumerable<string> OpenObjects() => OpenObjects(root, "(root)");

    public override string ToString() => root.ToJsonString(Format) + "\n";

    private JsonObject? Find(string path) => path.Split('.').Aggregate<string, JsonObject?>(root, (node, key) => node?["properties"]?[key] as JsonObject);

    private static IEnumerable<string> OpenObjects(JsonObject node, string path)
    {
        var properties = node["properties"] as JsonObject;
        if (properties is not null && !JsonNode.DeepEquals(node["additionalProperties"], false))
            yield return path;

        foreach (var (key, child) in properties ?? [])
        {
            foreach (var open in OpenObjects(child!.AsObject(), $"{path}.{key}"))
                yield return open;
        }
    }
}
