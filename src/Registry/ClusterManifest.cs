using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Registry;

/// <summary>Reads Clusters out of a YAML file as users write it: several documents, other kinds among them.</summary>
public static class ClusterManifest
{
    /// <summary>What the API server fills in and a file leaves out.</summary>
    private const string UnknownUid = "00000000-0000-0000-0000-000000000000";

    /// <summary>The Clusters with a managed topology in the text, in order.</summary>
    /// <exception cref="ClusterFormatException">The text is no YAML, a Cluster has a field of the wrong type, or there is no such Cluster.</exception>
    public static IReadOnlyList<Cluster> Read(string text)
    {
        var clusters = Documents(text).Select(YamlToJson.Convert).OfType<JsonObject>().Where(IsCluster).Select(ToCluster).ToList();
        return clusters.Count > 0
            ? clusters
            : throw new ClusterFormatException("The file holds no object of kind Cluster with apiVersion cluster.x-k8s.io/v1beta1 or v1beta2.");
    }

    private static IReadOnlyList<YamlNode> Documents(string text)
    {
        try
        {
            return BoundedYaml.Load(text);
        }
        catch (YamlException exception)
        {
            throw new ClusterFormatException($"The file is no YAML: line {exception.Start.Line}, column {exception.Start.Column}.", exception);
        }
        catch (InvalidDataException exception)
        {
            throw new ClusterFormatException(YamlToJson.TooLarge, exception);
        }
    }

    private static bool IsCluster(JsonObject document) =>
        Text(document["kind"]) == "Cluster" && Text(document["apiVersion"])?.StartsWith("cluster.x-k8s.io/", StringComparison.Ordinal) == true;

    private static Cluster ToCluster(JsonObject document)
    {
        if (document["metadata"] is JsonObject metadata)
        {
            metadata["namespace"] ??= "default";
            metadata["uid"] ??= UnknownUid;
        }

        using var json = JsonDocument.Parse(document.ToJsonString());
        return Cluster.Read(json.RootElement.Clone());
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}

/// <summary>Turns YAML nodes into JSON by the core schema of YAML 1.2.</summary>
internal static class YamlToJson
{
    public const string TooLarge = "The file is nested too deeply, or its aliases make it too large.";

    /// <summary>Deeper nesting than any manifest has; it also ends aliases that lead in a circle.</summary>
    private const int Deepest = 64;

    /// <summary>A few aliases can multiply into billions of nodes; a manifest has fewer than this.</summary>
    private const int MostNodes = 100_000;

    public static JsonNode? Convert(YamlNode node)
    {
        var left = MostNodes;
        return Convert(node, 0, ref left);
    }

    private static JsonNode? Convert(YamlNode node, int depth, ref int left)
    {
        if (depth > Deepest || --left < 0)
            throw new ClusterFormatException(TooLarge);

        switch (node)
        {
            case YamlMappingNode map:
                var result = new JsonObject();
                foreach (var (key, value) in map.Children)
                    result[key is YamlScalarNode { Value: { } name } ? name : throw new ClusterFormatException("The file has a key that is no string.")] = Convert(value, depth + 1, ref left);
                return result;
            case YamlSequenceNode list:
                var items = new JsonArray();
                foreach (var item in list.Children)
                    items.Add(Convert(item, depth + 1, ref left));
                return items;
            default:
                return ToValue((YamlScalarNode)node);
        }
    }

    private static JsonNode? ToValue(YamlScalarNode scalar)
    {
        var text = scalar.Value ?? "";
        if (scalar.Style != ScalarStyle.Plain)
            return text;
        return text switch
        {
            "" or "~" or "null" or "Null" or "NULL" => null,
            "true" or "True" or "TRUE" => true,
            "false" or "False" or "FALSE" => false,
            _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
            _ when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => number,
            _ => text,
        };
    }
}
