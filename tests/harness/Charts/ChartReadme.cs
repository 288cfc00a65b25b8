using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Charts;

/// <summary>
/// A chart's README.md: what a person wrote, and between two marks the table of values, made from values.yaml and the schema's types.
/// </summary>
public static class ChartReadme
{
    public const string Begin = "<!-- values: written by UPDATE_GOLDEN=1 from values.yaml -->";

    public const string End = "<!-- end of values -->";

    /// <summary>The text with the table anew.</summary>
    /// <exception cref="FormatException">The marks are missing.</exception>
    public static string WithTable(string readme, IEnumerable<ChartValue> values, ChartSchema schema)
    {
        var begin = readme.IndexOf(Begin, StringComparison.Ordinal);
        var end = readme.IndexOf(End, StringComparison.Ordinal);
        return begin >= 0 && end > begin
            ? $"{readme[..begin]}{Begin}\n\n{Table(values, schema)}\n{readme[end..]}"
            : throw new FormatException($"The README needs the lines {Begin} and {End}.");
    }

    private static string Table(IEnumerable<ChartValue> values, ChartSchema schema) =>
        "| value | type | default | what it decides |\n|---|---|---|---|\n"
        + string.Concat(values.Select(value =>
            $"| `{value.Path}` | {schema.TypeOf(value.Path) ?? "?"} | `{Cell(Default(value.Default))}` | {Cell(value.Description)} |\n"));

    private static string Default(JsonNode? value) => value switch
    {
        null => "null",
        JsonValue text when text.TryGetValue<string>(out var words) => words.Length == 0 ? "\"\"" : words,
        _ => value.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }),
    };

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
