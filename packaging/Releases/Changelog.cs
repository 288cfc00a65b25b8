namespace CapiRegistryHook.Packaging.Releases;

/// <summary>The notes of a release, from <c>CHANGELOG.md</c>.</summary>
internal static class Changelog
{
    public const string Unreleased = "Unreleased";

    /// <summary>What stands under a heading of the second level.</summary>
    /// <param name="text">The changelog.</param>
    /// <param name="heading">The heading's first word: a version, or <see cref="Unreleased"/>.</param>
    /// <exception cref="InvalidOperationException">There is no such heading, or nothing under it.</exception>
    public static string Section(string text, string heading)
    {
        var section = string.Join('\n', text.Split('\n').SkipWhile(line => !Is(line, heading)).Skip(1)
            .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))).Trim();
        return section.Length > 0 ? section : throw new InvalidOperationException(
            $"CHANGELOG.md has nothing under '## {heading}': give the section of the unreleased changes the version as its heading.");
    }

    private static bool Is(string line, string heading) =>
        line.StartsWith("## ", StringComparison.Ordinal) && line[3..].Split(' ')[0] == heading;
}
