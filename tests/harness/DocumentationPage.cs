namespace CapiRegistryHook.Harness;

/// <summary>A page of the documentation, from which tests take what it tells people to type.</summary>
/// <param name="Path">The file, from the root of the repository.</param>
/// <param name="Blocks">Its fenced blocks, in order.</param>
public sealed record DocumentationPage(string Path, IReadOnlyList<FencedBlock> Blocks)
{
    private const string Fence = "```";

    /// <summary>Reads a page; one without a fenced block is a mistake of the test.</summary>
    /// <param name="path">From the root of the repository, for example <c>docs/runbooks/move.md</c>.</param>
    public static DocumentationPage Read(string path)
    {
        var blocks = Parse(File.ReadAllLines(System.IO.Path.Combine(RepositoryRoot.Find(), path))).ToList();
        return blocks.Count > 0 ? new DocumentationPage(path, blocks) : throw new InvalidDataException($"{path} has no fenced block.");
    }

    /// <summary>The shell commands under a heading, a text per block.</summary>
    /// <exception cref="InvalidDataException">There are none: the page changed.</exception>
    public IReadOnlyList<string> CommandsUnder(string heading) => Under(heading, "sh");

    /// <summary>The blocks in a language under a heading.</summary>
    /// <exception cref="InvalidDataException">There are none: the page changed.</exception>
    public IReadOnlyList<string> Under(string heading, string language)
    {
        List<string> found = [.. Blocks.Where(block => block.Heading == heading && block.Language == language).Select(block => block.Text)];
        return found.Count > 0 ? found : throw new InvalidDataException($"{Path} has no {language} block under '{heading}'.");
    }

    private static IEnumerable<FencedBlock> Parse(string[] lines)
    {
        var heading = "";
        for (var index = 0; index < lines.Length; index++)
        {
            var line = lines[index].TrimStart();
            if (line.StartsWith(Fence, StringComparison.Ordinal))
            {
                var body = lines.Skip(index + 1).TakeWhile(text => text.TrimStart() != Fence).ToList();
                var indent = lines[index].Length - line.Length;
                yield return new FencedBlock(
                    heading, line[Fence.Length..].Trim(), string.Concat(body.Select(text => $"{text[Math.Min(indent, text.Length)..]}\n")));
                index += body.Count + 1;
            }
            else if (line.StartsWith('#'))
            {
                heading = line.TrimStart('#').Trim();
            }
        }
    }
}

/// <summary>A fenced block.</summary>
/// <param name="Heading">The heading above it.</param>
/// <param name="Language">The word behind the fence, for example <c>sh</c>; empty for none.</param>
/// <param name="Text">What is in it, without the indentation of a list.</param>
public sealed record FencedBlock(string Heading, string Language, string Text);
