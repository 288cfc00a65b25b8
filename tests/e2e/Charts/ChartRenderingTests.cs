using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>Every chart of this repository under Helm 3 and Helm 4, with each of its <c>ci</c> files.</summary>
public sealed class ChartRenderingTests
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public static TheoryData<string> Charts => [.. ChartFolder.Names()];

    public static MatrixTheoryData<string, string> ChartsAndHelms => new(ChartFolder.Names(), ["helm3", "helm4"]);

    [Theory]
    [MemberData(nameof(ChartsAndHelms))]
    public async Task Lint_EachCase_HasNothingToSay(string name, string helm)
    {
        var chart = ChartFolder.Open(name);
        foreach (var file in chart.CaseFiles)
        {
            var run = await new HelmProgram(helm).LintAsync(chart.Path, file, CancellationToken);
            Assert.True(run.ExitCode == 0, $"{Path.GetFileName(file)}: {run.Output}{run.Errors}");
        }
    }

    [Theory]
    [MemberData(nameof(Charts))]
    public async Task Template_EachCase_IsTheSameEachTimeAndInBothHelms(string name)
    {
        var chart = ChartFolder.Open(name);
        foreach (var file in chart.CaseFiles)
        {
            // One version of Kubernetes for both: each Helm assumes another one.
            string[] arguments = ["--values", file, "--kube-version", "1.31.0"];
            var first = await new HelmProgram("helm3").RenderAsync(chart.Path, CancellationToken, arguments);
            var again = await new HelmProgram("helm3").RenderAsync(chart.Path, CancellationToken, arguments);
            var newer = await new HelmProgram("helm4").RenderAsync(chart.Path, CancellationToken, arguments);

            Assert.Equal(first, again);
            Assert.Equal(Sorted(first), Sorted(newer));
        }
    }

    [Theory]
    [MemberData(nameof(Charts))]
    public async Task Template_EachPod_IsConfined(string name)
    {
        var chart = ChartFolder.Open(name);
        var pods = 0;
        foreach (var file in chart.CaseFiles)
        {
            var objects = await new HelmProgram("helm3").ObjectsAsync(chart.Path, CancellationToken, "--values", file);
            foreach (var template in objects.PodTemplates().Concat(objects.Where(entry => entry.Kind() == "Pod")))
            {
                pods++;
                Assert.Empty(PodRules.Violations(template, Path.GetFileName(file)));
            }
        }

        Assert.True(pods >= chart.CaseFiles.Count, $"Only {pods} pods were found.");
    }

    /// <summary>
    /// For each value there is a case that sets it to something else than the default, and leaving that out renders something else (or
    /// is refused). So each option is tried, and none does nothing.
    /// </summary>
    [Theory]
    [MemberData(nameof(Charts))]
    public async Task Values_EachOne_HasACaseInWhichItMatters(string name)
    {
        var effects = await ValueEffects.ReadAsync(ChartFolder.Open(name), CancellationToken);
        var without = new List<string>();
        foreach (var value in effects.Paths)
        {
            if (!await effects.AnyCaseNeedsAsync(value, CancellationToken))
                without.Add(value);
        }

        Assert.Empty(without);
    }

    /// <summary>
    /// In Helm, null takes a default away. That is refused by the value's name, or is the same as empty; no template stumbles.
    /// </summary>
    [Theory]
    [MemberData(nameof(Charts))]
    public async Task Template_ValueTakenAway_IsRefusedByNameOrEmpty(string name)
    {
        var chart = ChartFolder.Open(name);
        foreach (var path in chart.Values.Values.Select(value => value.Path))
        {
            var run = await new HelmProgram("helm3").TryRenderAsync(chart.Path, CancellationToken, "--set", $"{path}=null");

            Assert.True(run.ExitCode == 0 || run.Errors.Contains(path.Split('.')[^1], StringComparison.Ordinal), $"{path}: {run.Errors}");
            Assert.DoesNotContain("nil pointer", run.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("<nil>", run.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("<no value>", run.Output, StringComparison.Ordinal);
        }
    }

    private static IEnumerable<string> Sorted(string rendered) =>
        RenderedObjects.Read(rendered).Select(entry => entry.ToJsonString()).Order(StringComparer.Ordinal);
}
