using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Registry.Text;

/// <summary>
/// Reads YAML files that people hand in by mistake too: no longer than 1 Mi characters and no deeper than any real one. YamlDotNet builds
/// its tree by recursion, and a stack that overflows ends the process without a word, so the flat stream of events is looked at first.
/// </summary>
public static class BoundedYaml
{
    private const int LongestText = 1 << 20;
    private const int Deepest = 64;

    /// <summary>The text, read no further than needed to see that it is too long.</summary>
    /// <exception cref="InvalidDataException">It is longer than 1 Mi characters.</exception>
    public static string ReadText(TextReader reader)
    {
        var buffer = new char[LongestText + 1];
        var length = reader.ReadBlock(buffer);
        return length <= LongestText ? new string(buffer, 0, length) : throw new InvalidDataException("longer than 1 Mi characters");
    }

    /// <summary>The root of every document.</summary>
    /// <exception cref="YamlException">It is not valid YAML.</exception>
    /// <exception cref="InvalidDataException">It is too deep, has a key that is not text or an alias to nothing before it, or is YAML that
    /// has no tree.</exception>
    public static IReadOnlyList<YamlNode> Load(string text)
    {
        try
        {
            CheckShape(text);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return [.. stream.Documents.Select(document => document.RootNode)];
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException("no tree", exception);
        }
    }

    private static void CheckShape(string text)
    {
        var shape = new YamlShape(Deepest);
        for (var parser = new Parser(new StringReader(text)); parser.MoveNext();)
            shape.Take(parser.Current!);
    }
}
