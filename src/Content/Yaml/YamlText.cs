using CapiRegistryHook.Content.References;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Content.Yaml;

/// <summary>
/// Reads YAML of other people: no longer than allowed, no deeper than any real one, and without aliases to what is not complete before
/// them. YamlDotNet builds its tree by recursion, so the flat stream of events is looked at first.
/// </summary>
internal static class YamlText
{
    private const int Deepest = 64;
    private const int MostAliases = 10_000;

    /// <summary>The root of every document.</summary>
    /// <exception cref="ContentException">It is not YAML, or YAML that is not safe to use.</exception>
    public static IReadOnlyList<YamlNode> Load(string text, string what, int longest = 1 << 20)
    {
        if (text.Length > longest)
            throw new ContentException($"{what} is longer than {longest} characters.");
        try
        {
            CheckShape(text);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return [.. stream.Documents.Select(document => document.RootNode)];
        }
        catch (YamlException exception)
        {
            throw new ContentException($"{what} is not valid YAML: line {exception.Start.Line}, column {exception.Start.Column}.",
                exception);
        }
        catch (Exception exception)
            when (exception is ArgumentException or InvalidOperationException or FormatException or InvalidDataException)
        {
            throw new ContentException($"{what} is not YAML that can be used: "
                + $"{(exception is InvalidDataException ? exception.Message : "it has no tree")}.", exception);
        }
    }

    /// <summary>The value of a key; null when there is none or this is not a mapping.</summary>
    public static YamlNode? Get(this YamlNode? node, string key) =>
        node is YamlMappingNode mapping && mapping.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null;

    /// <summary>The text of a key; null when it is none.</summary>
    public static string? Text(this YamlNode? node, string key) => (node.Get(key) as YamlScalarNode)?.Value;

    /// <summary>The entries of a list; none when it is not one.</summary>
    public static IList<YamlNode> Items(this YamlNode? node) => node is YamlSequenceNode sequence ? sequence.Children : [];

    private static void CheckShape(string text)
    {
        var levels = new Stack<Level>();
        var complete = new HashSet<AnchorName>();
        var aliases = 0;
        for (var parser = new Parser(new StringReader(text)); parser.MoveNext();)
        {
            var current = parser.Current!;
            if (current is NodeEvent && levels.TryPeek(out var level) && level.IsMapping && (level.IsAtKey = !level.IsAtKey)
                && current is not Scalar)
                throw new InvalidDataException("it has a key that is not text");
            if (current is AnchorAlias alias && (!complete.Contains(alias.Value) || ++aliases > MostAliases))
                throw new InvalidDataException("it has an alias to nothing before it, or too many aliases");
            Follow(current, levels, complete);
        }
    }

    private static void Follow(ParsingEvent current, Stack<Level> levels, HashSet<AnchorName> complete)
    {
        if (current is DocumentStart)
            complete.Clear();
        else if (current is MappingStart or SequenceStart)
            levels.Push(new Level(current is MappingStart, ((NodeEvent)current).Anchor));
        else if (current is Scalar { Anchor.IsEmpty: false } scalar)
            complete.Add(scalar.Anchor);
        else if (current is MappingEnd or SequenceEnd && levels.Pop().Anchor is { IsEmpty: false } anchor)
            complete.Add(anchor);
        if (levels.Count > Deepest)
            throw new InvalidDataException($"it is deeper than {Deepest} levels");
    }

    private sealed class Level(bool isMapping, AnchorName anchor)
    {
        public bool IsMapping => isMapping;

        public AnchorName Anchor => anchor;

        /// <summary>True when the last node in the mapping was a key.</summary>
        public bool IsAtKey { get; set; }
    }
}
