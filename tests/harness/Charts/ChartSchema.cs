using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Charts;

/// <summary>A chart's values.schema.json, beside its values.</summary>
public sealed class ChartSchema(JsonObject root)
{
    private readonly JsonObject _root = root;

    // The file is for people: no escapes where none are needed.
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ChartSchema Read(string text) => new(JsonNode.Parse(text)!.AsObject());

    /// <summary>The type as a table shows it; null when the schema does not know the value.</summary>
    public string? TypeOf(string path) => Find(path)?["type"] switch
    {
        JsonArray types => string.Join(" or ", types.Select(type => (string)type!)),
        JsonValue type => (string)type! == "array" ? "list" : (string)type!,
        _ => null,
    };

    /// <summary>The same schema with these properties of an object, instead of those that it has.</summary>
    public ChartSchema WithProperties(string path, JsonObject properties)
    {
        var changed = new ChartSchema(_root.DeepClone().AsObject());
        changed.Find(path)!["properties"] = properties;
        return changed;
    }

    /// <summary>
    /// The same schema with each value's comment as its description, and with every value required whose default is not empty: Helm takes
    /// a default away where a user writes null, and no template has an answer to that.
    /// </summary>
    public string Completed(ValuesFile file)
    {
        var completed = new ChartSchema(_root.DeepClone().AsObject());
        foreach (var value in file.Values)
        {
            if (completed.Find(value.Path) is { } node)
                node["description"] = value.Description;
        }

        var documented = file.Values.Select(value => value.Path).ToHashSet(StringComparer.Ordinal);
        completed.Require(completed._root, file.Defaults, "", documented);
        return completed.ToString();
    }

    /// <summary>Where the schema lists properties but lets others through, too.</summary>
    public IEnumerable<string> OpenObjects() => OpenObjects(_root, "(root)");

    public override string ToString() => _root.ToJsonString(Format) + "\n";

    private void Require(JsonObject schema, JsonObject defaults, string prefix, HashSet<string> documented)
    {
        string[] required = [.. defaults.Where(value => !IsEmpty(value.Value)).Select(value => value.Key)];
        schema.Remove("required");
        if (required.Length > 0)
            schema.Insert(
                Math.Max(0, schema.IndexOf("properties")), "required", new JsonArray([.. required.Select(key => JsonValue.Create(key))]));

        foreach (var (key, value) in defaults)
        {
            if (value is JsonObject group && !documented.Contains(prefix + key) && Find(prefix + key) is { } node)
                Require(node, group, $"{prefix}{key}.", documented);
        }
    }

    private static bool IsEmpty(JsonNode? value) => value switch
    {
        null => true,
        JsonObject members => members.Count == 0,
        JsonArray items => items.Count == 0,
        JsonValue scalar => scalar.TryGetValue<string>(out var text) && text.Length == 0,
        _ => false,
    };

    private JsonObject? Find(string path) =>
        path.Split('.').Aggregate<string, JsonObject?>(_root, (node, key) => node?["properties"]?[key] as JsonObject);

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
