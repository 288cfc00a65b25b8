using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Unit.Tests.Charts;

namespace CapiRegistryHook.Unit.Tests.Cli.Options;

/// <summary>docs/options.md is written from the declarations of the options; UPDATE_GOLDEN=1 writes it anew.</summary>
public sealed class OptionDocumentationTests
{
    [Fact]
    public void OptionsPage_FollowsTheDeclarations()
    {
        var page = Path.Combine(RepositoryRoot.Find(), "docs", "options.md");
        var wanted = Write();
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
            File.WriteAllText(page, wanted);

        Assert.Equal(wanted, File.ReadAllText(page));
    }

    private static string Write() => $"""
        # Options

        Every option can be a flag, an environment variable or a key of the options file (`--config FILE`, YAML, one key per
        option). A flag wins over the environment, the environment over the file. All options are checked together at start: each value
        that can't be used is named, and the exit code is 2. Unknown variables with the prefix `{ServiceOption.EnvironmentPrefix}` and
        unknown keys are refused.

        `serve` takes all of these options; the other [commands](commands.md) take those that matter to them (`--help` lists them).

        The chart sets some options itself, because other objects depend on them (its
        [README](../charts/capi-registry-hook/README.md) has the values). All others are keys of its value `options`, under the name in the
        column *file*: {string.Join(", ", OptionSchema.FreeOptions(Templates).Select(option => $"`{option.FileKey}`"))}. Lists are YAML lists there.

        {string.Join('\n', OptionList.Sections.Select(section => $"## {section.Title}\n\n{Table(section.Options)}"))}
        ## The syncer

        `sync` alone takes these. Of those above it takes {Shared}.

        {Table(SyncOptionGroup.Own)}
        """.TrimEnd() + "\n";

    private static string Shared => string.Join(
        ", ", SyncOptionGroup.Options.Except(SyncOptionGroup.Own).Select(option => $"`{option.Flag}`"));

    private static IReadOnlyList<string> Templates => ChartFolder.Open("capi-registry-hook").Templates;

    private static string Table(IEnumerable<ServiceOption> options) =>
        "| flag | environment | file | what it decides | values | default |\n|---|---|---|---|---|---|\n"
        + string.Concat(options.Select(option =>
            $"| `{option.Flag}` | `{option.Environment}` | `{option.FileKey}` | {option.Description} | {option.Values.Range} | "
                + $"{option.Default.Replace("<", "\\<", StringComparison.Ordinal)} |\n"));
}
