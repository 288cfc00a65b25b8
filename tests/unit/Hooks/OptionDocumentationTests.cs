using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Unit.Tests.Hooks;

/// <summary>docs/options.md is written from the list of options; UPDATE_GOLDEN=1 writes it anew.</summary>
public sealed class OptionDocumentationTests
{
    [Fact]
    public void OptionsPage_FollowsTheList()
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
        option). A flag wins over the environment, the environment over the file. All are checked together at start: each one that
        can't be used is named, and the exit code is 2. Unknown variables of the prefix `{ServiceOption.EnvironmentPrefix}` and unknown
        keys are refused.

        ## What a registry is (`serve` and `plan`)

        {Table(ServiceOptionList.Registry)}
        ## How the service runs (`serve`)

        {Table(ServiceOptionList.Serve)}
        """;

    private static string Table(IEnumerable<ServiceOption> options) =>
        "| flag | environment | file | what it decides | default |\n|---|---|---|---|---|\n"
        + string.Concat(options.Select(option =>
            $"| `{option.Flag}` | `{option.Environment}` | `{option.FileKey}` | {option.Description} | "
                + $"{(option.Default.Length == 0 ? "required" : option.Default.Replace("<", "\\<", StringComparison.Ordinal))} |\n"));
}
