using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>The table of rights in docs/security.md is the rules of the chart, each with its reason.</summary>
public sealed partial class SecurityPageTests
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rights_InTheTable_AreThoseOfTheChart()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Find(), "docs", "security.md"), CancellationToken);
        var told = Right().Matches(page).Select(match => (Verb: match.Groups[3].Value,
            Group: match.Groups[1].Value.Replace("core", "", StringComparison.Ordinal), Resource: match.Groups[2].Value));

        var rendered = await HookChart.RenderAsync(CancellationToken);
        var selfManaged = await HookChart.RenderAsync(CancellationToken, "--set",
            "certificate.mode=selfManaged,autoEnable.enabled=true,contentGate.enabled=true,networkPolicy.enabled=false");
        var given = rendered.Concat(selfManaged)
            .Where(entry => entry.Kind() is "Role" or "ClusterRole").SelectMany(entry => entry.Rights()).Distinct();

        Assert.Equal(given.Order(), told.Order());
    }

    [GeneratedRegex(@"^\| ([a-z0-9.-]+) \| ([a-z/]+) \| ([a-z]+) \| [^|]{10,} \|$", RegexOptions.Multiline)]
    private static partial Regex Right();
}
