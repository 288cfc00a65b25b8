using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.Unit.Tests.Hooks;

/// <summary>The table in docs/metrics.md is written from the declarations of the metrics; UPDATE_GOLDEN=1 writes it anew.</summary>
public sealed partial class MetricDocumentationTests
{
    [Fact]
    public void MetricsPage_Table_FollowsTheDeclarations()
    {
        var page = Path.Combine(RepositoryRoot.Find(), "docs", "metrics.md");
        var text = File.ReadAllText(page);
        Assert.Single(Table().Matches(text));
        var wanted = Table().Replace(text, _ => Write());
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
            File.WriteAllText(page, wanted);

        Assert.Equal(wanted, File.ReadAllText(page));
    }

    private static string Write() => "| metric | type | labels | meaning |\n|---|---|---|---|\n" + string.Concat(
        ServiceMetrics.All.Select(metric =>
            $"| `{metric.FullName}` | {metric.Type.ToString().ToLowerInvariant()} "
                + $"| {string.Join(", ", metric.Labels.Select(label => $"`{label}`"))} | {metric.Meaning} |\n"));

    [GeneratedRegex(@"^\| metric \|.*\n(?:\|.*\n)+", RegexOptions.Multiline)]
    private static partial Regex Table();
}
