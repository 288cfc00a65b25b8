using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>Bad input on the command line of the published program: exit code 2 and a sentence, never a stack trace.</summary>
public sealed class CommandLineTests
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("can't be read", "plan", "-f", "")]
    [InlineData("can't be read", "plan", "-f", "-", "--config", "")]
    [InlineData("can't be read", "plan", "-f", "/dev/zero")]
    [InlineData("can't be read", "plan", "-f", "-", "--config", "/dev/zero")]
    [InlineData("stands before the command", "--kubeconfig", "/nowhere", "serve")]
    [InlineData("The option --clusterr is not known", "push", "site.tar", "--clusterr", "default/c1")]
    [InlineData("--listen has the value \"::9443\"", "serve", "--listen", "::9443")]
    [InlineData("--listen has the value \"\"", "serve", "--listen=")]
    [InlineData("--tls-key-file is missing", "serve", "--metrics-listen=", "--chart-ca-secret=")]
    [InlineData("--listen has the value \"::1\"", "serve", "--listen", "::1")]
    public async Task Run_BadInput_EndsWithASentence(string sentence, params string[] arguments)
    {
        var (code, errors) = await RunAsync(arguments);

        Assert.Contains(sentence, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        Assert.Equal(2, code);
    }

    [Theory]
    [InlineData("--file")]
    [InlineData("--config")]
    public async Task Run_DeepYaml_EndsWithASentence(string option)
    {
        var deep = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}-deep.yaml");
        await File.WriteAllTextAsync(deep, new string('[', 100_000), CancellationToken);
        string[] arguments = option == "--file" ? ["plan", "--file", deep] : ["plan", "--file", "-", "--config", deep];

        var (code, errors) = await RunAsync(arguments);
        File.Delete(deep);

        Assert.Equal(2, code);
        Assert.Contains("deep.yaml", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_GeneratePatchesRequest_PrintsThePatchOfEachTemplate()
    {
        var run = await ProgramRun.RunAsync(HookService.ProgramPath(), ["plan", "-f", PatchRequest("strict")], CancellationToken);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.StartsWith(
            "# Cluster default/c1: 2 of 5 templates get a patch\n---\n# KubeadmControlPlaneTemplate in-memory-control-plane (", run.Output,
            StringComparison.Ordinal);
        Assert.Contains("\"path\": \"/spec/template/spec/kubeadmConfigSpec/files\"", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_GeneratePatchesRequestWithProblems_NamesThemAll()
    {
        var (code, errors) = await RunAsync(["plan", "-f", PatchRequest("bad-variable")]);

        Assert.Equal(2, code);
        Assert.Contains("replicas must be a whole number", errors, StringComparison.Ordinal);
        Assert.Contains("mirror.mode must be one of", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_Cluster_ShowsTheFilesOfItsNodes()
    {
        var run = await ProgramRun.RunAsync(
            HookService.ProgramPath(), ["plan", "-f", Path.Combine(RepositoryRoot.Find(), "docs", "examples", "cluster.yaml")],
            CancellationToken);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("- path: \"/etc/containerd/certs.d/_default/hosts.toml\"", run.Output, StringComparison.Ordinal);
        Assert.Contains("name: \"demo-registry-addon-ca\"", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("clusterctl-registry", "clusterctl registry")]
    [InlineData("kubectl-capi_registry", "kubectl capi-registry")]
    public async Task Help_CalledAsAPlugin_NamesThePlugin(string file, string invocation)
    {
        var folder = Directory.CreateTempSubdirectory("plugin-");
        var link = Path.Combine(folder.FullName, file);
        File.CreateSymbolicLink(link, HookService.ProgramPath());

        var help = await ProgramRun.RunAsync(link, ["status", "--help"], CancellationToken);
        var bare = await ProgramRun.RunAsync(link, [], CancellationToken);
        folder.Delete(recursive: true);

        Assert.Equal(0, help.ExitCode);
        Assert.Contains($"  {invocation} status [<NAMESPACE/NAME>] [options]", help.Output, StringComparison.Ordinal);
        Assert.Equal(2, bare.ExitCode);
    }

    private static string PatchRequest(string name) =>
        Path.Combine(RepositoryRoot.Find(), "tests", "unit", "testdata", "generatepatches", name, "request.json");

    private static async Task<(int Code, string Errors)> RunAsync(string[] arguments)
    {
        var run = await ProgramRun.RunAsync(HookService.ProgramPath(), arguments, CancellationToken);
        return (run.ExitCode, run.Errors);
    }
}
