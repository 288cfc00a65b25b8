using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using Xunit;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>
/// What the charts render is shown to a real kube-apiserver by kubectl's server-side dry run, which also refuses fields that this
/// Kubernetes does not know. It is 1.20; what charts write for later versions only is not judged here.
/// </summary>
public sealed class ChartAdmissionTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DryRun_EachCaseOfEachChart_IsAccepted()
    {
        await using var server = await StartAsync();
        var kubectl = await PrepareAsync(server);
        await InstallDefinitionsAsync(kubectl);

        foreach (var chart in ChartFolder.Names().Select(ChartFolder.Open))
        {
            foreach (var file in chart.CaseFiles)
            {
                var rendered = await new HelmProgram("helm3").RenderAsync(chart.Path, Cancelled, "--values", file, "--kube-version", "1.20.2", "--api-versions", "monitoring.coreos.com/v1");
                var run = await kubectl.RunOnAsync(rendered, Cancelled, "create", "--dry-run=server");
                Assert.True(run.ExitCode == 0, $"{chart.Name}, {Path.GetFileName(file)}: {run.Errors}");
            }
        }
    }

    [Fact]
    public async Task DryRun_UnknownFieldAndWrongValue_AreRefused()
    {
        await using var server = await StartAsync();
        var kubectl = await PrepareAsync(server);
        var rendered = await new HelmProgram("helm3").RenderAsync(ChartFolder.Open("registry").Path, Cancelled, "--kube-version", "1.20.2");

        var field = await kubectl.RunOnAsync(Replace(rendered, "replicas: 2", "replicaz: 2"), Cancelled, "create", "--dry-run=server");
        var value = await kubectl.RunOnAsync(Replace(rendered, "timeoutSeconds: 10800", "timeoutSeconds: 90000"), Cancelled, "create", "--dry-run=server");

        Assert.Contains("unknown field \"replicaz\"", field.Errors, StringComparison.Ordinal);
        Assert.Contains("must be greater than 0 and less than 86400", value.Errors, StringComparison.Ordinal);
    }

    private static async Task<Kubectl> PrepareAsync(RealApiServer server)
    {
        var kubeconfig = Path.Combine(server.Folder, "kubeconfig");
        await File.WriteAllTextAsync(kubeconfig, server.Kubeconfig, Cancelled);
        var kubectl = new Kubectl(kubeconfig);
        (await kubectl.RunAsync(Cancelled, "create", "namespace", HelmProgram.Namespace)).OutputOfSuccess();
        return kubectl;
    }

    /// <summary>The definitions of tests/harness/crds that the API server does not have from its start.</summary>
    private static async Task InstallDefinitionsAsync(Kubectl kubectl)
    {
        var known = (await kubectl.RunAsync(Cancelled, "get", "customresourcedefinitions", "--output=name")).OutputOfSuccess();
        foreach (var file in Directory.GetFiles(Path.Combine(RepositoryRoot.Find(), "tests", "harness", "crds"), "*.yaml"))
        {
            // Files are called GROUP_PLURAL.yaml, definitions PLURAL.GROUP.
            var name = string.Join('.', Path.GetFileNameWithoutExtension(file).Split('_').Reverse());
            if (known.Contains($"/{name}\n", StringComparison.Ordinal))
                continue;

            (await kubectl.RunOnAsync(await File.ReadAllTextAsync(file, Cancelled), Cancelled, "create")).OutputOfSuccess();
            (await kubectl.RunAsync(Cancelled, "wait", "--for=condition=Established", "--timeout=30s", $"customresourcedefinition/{name}")).OutputOfSuccess();
        }
    }

    private static string Replace(string text, string old, string with)
    {
        Assert.Contains(old, text, StringComparison.Ordinal);
        return text.Replace(old, with, StringComparison.Ordinal);
    }

    private static async Task<RealApiServer> StartAsync() =>
        await RealApiServer.StartAsync("charts", await KubernetesBinaries.EnsureAsync(Console.Error, Cancelled), Cancelled, RealApiServer.DualStackRange);
}
