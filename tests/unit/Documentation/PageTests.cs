using System.CommandLine;
using System.Text.RegularExpressions;
using CapiRegistryHook.Cli.Commands;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.Unit.Tests.Documentation;

/// <summary>What pages name exists: files, headings, commands with their options, and alerts.</summary>
public sealed partial class PageTests
{
    private static readonly string Root = RepositoryRoot.Find();

    [Fact]
    public void Links_OfAllPages_LeadToFilesAndHeadings()
    {
        var links = Pages().SelectMany(page => Link().Matches(Prose(page)).Select(link => (Page: page, Target: link.Groups[1].Value)))
            .Where(link => !link.Target.Contains("://", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(links);
        Assert.Empty(links.Where(link => !Leads(link.Page, link.Target)).Select(link => $"{Name(link.Page)}: {link.Target}"));
    }

    /// <summary>Commands that people are to type are parsed as they stand; those in sentences may leave arguments out.</summary>
    [Fact]
    public void Commands_OfAllPages_AreThoseOfTheProgram()
    {
        var typed = Pages().SelectMany(page => Block().Matches(File.ReadAllText(page)).SelectMany(block => Typed().Matches(block.Value))
            .Select(command => (Page: page, Text: command.Groups[1].Value, Errors: Parse(command.Groups[1].Value).Errors.Count))).ToList();
        var mentioned = Pages().SelectMany(page => Mentioned().Matches(Prose(page))
            .Select(command => (Page: page, Text: command.Groups[1].Value, Errors: 0))).ToList();

        Assert.NotEmpty(typed);
        Assert.NotEmpty(mentioned);
        Assert.Empty(typed.Concat(mentioned).Where(command => command.Errors > 0 || HasUnknownOption(command.Text))
            .Select(command => $"{Name(command.Page)}: {command.Text}"));
    }

    [Fact]
    public void Alerts_OfAllCharts_AreOnThePageOfMetrics()
    {
        var alerts = ChartFolder.Names().SelectMany(name => ChartFolder.Open(name).Templates)
            .SelectMany(template => Alert().Matches(template).Select(alert => alert.Groups[1].Value));
        var page = File.ReadAllText(Path.Combine(Root, "docs", "metrics.md"));
        var rows = page[page.IndexOf("\n## Alerts\n", StringComparison.Ordinal)..].Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal));

        Assert.Equal(alerts.Order(StringComparer.Ordinal), rows.SelectMany(row => Code().Matches(row.Split('|')[1]))
            .Select(name => name.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    private static List<string> Pages() =>
    [
        .. Directory.GetFiles(Root, "*.md"), Path.Combine(Root, "tests", "harness", "Cluster", "README.md"),
        .. new[] { "docs", "charts" }.SelectMany(
            folder => Directory.GetFiles(Path.Combine(Root, folder), "*.md", SearchOption.AllDirectories)),
    ];

    private static string Name(string page) => Path.GetRelativePath(Root, page);

    private static string Prose(string page) => Fence().Replace(File.ReadAllText(page), "");

    private static bool Leads(string page, string target)
    {
        var (path, heading) = target.Split('#') is [var before, var after] ? (before, after) : (target, "");
        var file = path.Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, path);
        return heading.Length == 0 ? Path.Exists(file) : File.Exists(file) && Headings(file).Contains(heading);
    }

    /// <summary>As GitHub makes anchors of headings.</summary>
    private static IEnumerable<string> Headings(string page) => Heading().Matches(Prose(page))
        .Select(heading => Dropped().Replace(heading.Groups[1].Value.ToLowerInvariant(), "").Replace(' ', '-'));

    private static ParseResult Parse(string arguments) => CommandLine.Build(ProgramName.Current, TimeProvider.System)
        .Parse([.. Word().Matches(arguments.Replace("\\\n", " ", StringComparison.Ordinal)).Select(word => word.Value.Trim('\'', '"'))]);

    private static bool HasUnknownOption(string arguments) =>
        Parse(arguments) is var result && (result.UnmatchedTokens.Count > 0 || CommandLine.UnknownOptions(result).Count > 0);

    [GeneratedRegex(@"^ *```.*?^ *```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^ *```sh\n.*?^ *```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Dropped();

    /// <summary>At the start of a line, behind a pipe, or behind the dashes of <c>kubectl exec</c>.</summary>
    [GeneratedRegex(@"(?:^ *|\| |-- )(?:[\w.-]*/)*capi-registry-hook ((?:[^|#>\n\\]|\\\n)*)", RegexOptions.Multiline)]
    private static partial Regex Typed();

    [GeneratedRegex("`capi-registry-hook ([^`|]+)`")]
    private static partial Regex Mentioned();

    /// <summary>As a shell splits them.</summary>
    [GeneratedRegex("""(?:'[^']*'|"[^"]*"|[^\s'"])+""")]
    private static partial Regex Word();

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex Alert();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();
}
