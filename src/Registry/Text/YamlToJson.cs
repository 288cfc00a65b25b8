using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Registry.Text;

/// <summary>Turns YAML nodes into JSON by the core schema of YAML 1.2.</summary>
internal static class YamlToJson
{
    public const string TooLarge = "The file is nested too deeply, or its aliases make it too large.";

    /// <summary>Deeper nesting than any manifest has; it also ends aliases that lead in a circle.</summary>
    private const int Deepest = 64;

    /// <summary>A few aliases can multiply into billions of nodes; a manifest has fewer than this.</summary>
    private const int MostNodes = 100_000;

    /// <exception cref="InvalidDataException">It is too deep or too large, or a key is not a string; the message says which.</exception>
    public static JsonNode? Convert(YamlNode node)
    {
        var left = MostNodes;
        return Convert(node, 0, ref left);
    }

    private static JsonNode? Convert(YamlNode node, int depth, ref int left)
    {
        if (depth > Deepest || --left < 0)
            throw new InvalidDataException(TooLarge);

        switch (node)
        {
            case YamlMappingNode map:
                var result = new JsonObject();
                foreach (var (key, value) in map.Children)
                    result[key is YamlScalarNode { Value: { } name } ? name
                        : throw new InvalidDataException("The file has a key that is not a string.")] = Convert(value, depth + 1, ref left);
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
            _ when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) =>
                number,
            _ => text,
        };
    }
}
