using System.Text.Json.Nodes;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Harness.Charts;

/// <summary>One value of a chart.</summary>
/// <param name="Path">Its keys, joined by dots.</param>
/// <param name="Description">The comment above it.</param>
/// <param name="Default">What the file says.</param>
public sealed record ChartValue(string Path, string Description, JsonNode? Default);

/// <summary>
/// A chart's values.yaml: every value with the comment above it, which starts with <c># --</c> and may go on in further comment lines.
/// A documented map is one value; an undocumented one is a group of values.
/// </summary>
public sealed class ValuesFile
{
    private const string Mark = "# --";

    private readonly string[] _lines;
    private readonly List<ChartValue> _values = [];
    private readonly List<string> _problems = [];

    private ValuesFile(string text)
    {
        _lines = text.Split('\n');
        Defaults = YamlJson.Read(new StringReader(text)) as JsonObject ?? [];
    }

    /// <summary>All values in the file's order.</summary>
    public IReadOnlyList<ChartValue> Values => _values;

    /// <summary>The whole file.</summary>
    public JsonObject Defaults { get; }

    /// <summary>Values without a comment, and comments that belong to no value: one sentence each.</summary>
    public IReadOnlyList<string> Problems => _problems;

    public static ValuesFile Read(string text)
    {
        var file = new ValuesFile(text);
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        if (stream.Documents is [{ RootNode: YamlMappingNode root }])
            file.Collect(root, file.Defaults, "");
        file.CheckComments();
        return file;
    }

    /// <summary>Whether a path is a value, a group of values, or something inside a value.</summary>
    public bool Declares(string path) =>
        _values.Any(value => value.Path == path || value.Path.StartsWith(path + ".", StringComparison.Ordinal)
            || path.StartsWith(value.Path + ".", StringComparison.Ordinal));

    private void Collect(YamlMappingNode node, JsonObject json, string prefix)
    {
        foreach (var (key, child) in node.Children)
        {
            var name = ((YamlScalarNode)key).Value!;
            var path = prefix + name;
            if (Comment((int)key.Start.Line) is { } comment)
                _values.Add(new ChartValue(path, comment, json[name]));
            else if (child is YamlMappingNode { Children.Count: > 0 } group)
                Collect(group, json[name]!.AsObject(), path + ".");
            else
                _problems.Add($"Line {key.Start.Line}: {path} has no comment that starts with \"{Mark}\".");
        }
    }

    /// <summary>The comment right above a line that starts at 1; null when there is none with the mark.</summary>
    private string? Comment(int line)
    {
        var first = line - 1;
        while (first > 0 && _lines[first - 1].TrimStart().StartsWith('#'))
            first--;

        var comment = _lines[first..(line - 1)].Select(text => text.Trim()).ToArray();
        var start = Array.FindIndex(comment, text => text.StartsWith(Mark, StringComparison.Ordinal));
        return start < 0 ? null : string.Join(' ', comment[start..].Select(text => text.TrimStart('#', '-', ' ')));
    }

    private void CheckComments()
    {
        var comments = _lines.Count(line => line.TrimStart().StartsWith(Mark, StringComparison.Ordinal));
        if (comments != _values.Count)
            _problems.Add(
                $"{comments} comments start with \"{Mark}\", but {_values.Count} values have one: "
                    + "a comment inside a documented map, or two above one value.");
    }
}
