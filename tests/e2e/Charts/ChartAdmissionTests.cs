using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>
/// What the charts render is shown to a real kube-apiserver by kubectl's server-side dry run, which also refuses fields that this
/// Kubernetes does not know. It is 1.20; what charts write for later versions only is not judged here.
/// </summary>
public sealed partial class ChartAdmissionTests
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DryRun_EachCaseOfEachChart_IsAccepted()
    {
        await using var server = await StartAsync();
        await using var kubectl = await KubectlProgram.ForAsync(server, CancellationToken);
        await kubectl.InstallDefinitionsAsync(CancellationToken);
        await kubectl.RunAsync(CancellationToken, "create", "namespace", HelmProgram.Namespace);
        // Cases name them.
        foreach (var name in new[] { "team-a", "team-b", "platform" })
            await kubectl.RunAsync(CancellationToken, "create", "namespace", name);
        await kubectl.RunAsync(CancellationToken, "create", "serviceaccount", "default", $"--namespace={HelmProgram.Namespace}");
        await kubectl.RunAsync(CancellationToken, "create", "priorityclass", "platform", "--value=1");

        foreach (var chart in ChartFolder.Names().Select(ChartFolder.Open))
        {
            foreach (var file in chart.CaseFiles)
            {
                var rendered = await new HelmProgram("helm3").RenderAsync(
                    chart.Path, CancellationToken, "--values", file, "--kube-version", "1.20.2", "--api-versions",
                    "monitoring.coreos.com/v1");
                var run =
                    await kubectl.TryAsync(WithDefaultAccount(rendered), CancellationToken, "create", "--dry-run=server", "--filename=-");
                Assert.True(run.ExitCode == 0, $"{chart.Name}, {Path.GetFileName(file)}: {run.Errors}");
            }
        }
    }

    [Fact]
    public async Task DryRun_UnknownFieldAndWrongValue_AreRefused()
    {
        await using var server = await StartAsync();
        await using var kubectl = await KubectlProgram.ForAsync(server, CancellationToken);
        await kubectl.RunAsync(CancellationToken, "create", "namespace", HelmProgram.Namespace);
        var rendered =
            await new HelmProgram("helm3").RenderAsync(ChartFolder.Open("registry").Path, CancellationToken, "--kube-version", "1.20.2");

        var field = await kubectl.TryAsync(
            Replace(rendered, "replicas: 2", "replicaz: 2"), CancellationToken, "create", "--dry-run=server", "--filename=-");
        var value = await kubectl.TryAsync(
            Replace(rendered, "timeoutSeconds: 10800", "timeoutSeconds: 90000"), CancellationToken, "create", "--dry-run=server",
            "--filename=-");

        Assert.Contains("unknown field \"replicaz\"", field.Errors, StringComparison.Ordinal);
        Assert.Contains("must be greater than 0 and less than 86400", value.Errors, StringComparison.Ordinal);
    }

    /// <summary>A pod is refused before its account is there, and nothing is created here.</summary>
    private static string WithDefaultAccount(string rendered) => string.Join("\n---\n", rendered.Split("\n---\n").Select(entry =>
        entry.Contains("\nkind: Pod\n", StringComparison.Ordinal)
            ? Account().Replace(entry, "serviceAccountName: default") : entry));

    [GeneratedRegex("serviceAccountName: .*")]
    private static partial Regex Account();

    private static string Replace(string text, string old, string with)
    {
        Assert.Contains(old, text, StringComparison.Ordinal);
        return text.Replace(old, with, StringComparison.Ordinal);
    }

    private static async Task<RealApiServer> StartAsync() =>
        await RealApiServer.StartAsync(
            "charts", await KubernetesBinaries.EnsureAsync(Console.Error, CancellationToken), CancellationToken,
            RealApiServer.DualStackRange);
}
