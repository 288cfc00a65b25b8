using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>What the admin and the user say of the chart's values arrives in the HelmChartProxy, also what changes later.</summary>
[Collection("stage")]
public sealed class RegistryValuesTests(EmbeddedStage fixture)
{
    private const string Version = "1.13.4";

    /// <summary>The service looks at its file every 10 s.</summary>
    private static readonly TimeSpan ReloadBound = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ValuesFile_ChangedWhileRunning_ReachesTheNextRelease()
    {
        var stage = await fixture.EmptyAsync(Cancelled);
        await using var folder = ScratchFolder.Create("capi-registry-hook-values-");
        var file = folder.Write("values.yaml", "priorityClassName: first\nstorage: {size: 20Gi}\n");
        await using var service = await HookService.StartAsync(stage.Management.Kubeconfig, ["--registry-values-file", file], Cancelled);
        using var capi = service.CreateClusterApi();
        var cluster = await stage.CreateClusterAsync("c1", Cancelled);
        await stage.GiveKubeconfigAsync(cluster, Cancelled);
        await capi.CallAsync(Version, "BeforeClusterCreate", cluster, Cancelled);

        await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, Cancelled);
        var first = await ValuesAsync(stage, cluster);
        folder.Write("values.yaml", "nonsense: 1\n");
        await LoggedAsync(service, "The former values for the registry chart stay");
        folder.Write("values.yaml", "priorityClassName: second\nstorage: {size: 90Gi}\n");
        await LoggedAsync(service, "The values for the registry chart were read again");
        var upgrade = await capi.CallAsync(Version, "BeforeClusterUpgrade", cluster, Cancelled);
        var second = await ValuesAsync(stage, cluster);

        Assert.Contains("priorityClassName: \"first\"", first, StringComparison.Ordinal);
        Assert.Contains("size: \"20Gi\"", first, StringComparison.Ordinal);
        Assert.Equal("Success", upgrade.Status);
        Assert.Contains("priorityClassName: \"second\"", second, StringComparison.Ordinal);
        Assert.Contains("size: \"20Gi\"", second, StringComparison.Ordinal);
        Assert.Contains("Other storage is asked for than the registry has", service.Log, StringComparison.Ordinal);
        Assert.Contains("The value nonsense is not a value of the chart.", service.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tls: {secretName: mine}\n", "The value tls.secretName is computed for each cluster; remove it.")]
    [InlineData("storage: {type: tape}\n", "The value storage.type must be one of")]
    public async Task ValuesFile_ThatCannotBeUsed_IsRefusedAtStart(string values, string sentence)
    {
        await using var folder = ScratchFolder.Create("capi-registry-hook-values-");
        var file = folder.Write("values.yaml", values);

        var run = await ProgramRun.RunAsync(HookService.ProgramPath(), ["plan", "-f", "-", "--registry-values-file", file], Cancelled);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains($"--registry-values-file names the file {file}. {sentence}", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_WithTheAdminsValues_ShowsTheReleaseThatWouldBeWritten()
    {
        await using var folder = ScratchFolder.Create("capi-registry-hook-values-");
        var file = folder.Write("values.yaml", "priorityClassName: admins\n");
        var manifest = Path.Combine(RepositoryRoot.Find(), "docs", "examples", "cluster.yaml");

        var plan = await ProgramRun.OutputOfAsync(HookService.ProgramPath(), ["plan", "-f", manifest, "--registry-values-file", file], Cancelled);

        Assert.Contains("priorityClassName: \"admins\"", plan, StringComparison.Ordinal);
    }

    private static async Task<string> ValuesAsync(Stage stage, TestCluster cluster) =>
        (string)(await RegistryState.ReadAsync(stage, cluster, Cancelled)).ChartProxy!["spec"]!["valuesTemplate"]!;

    private static async Task LoggedAsync(HookService service, string words)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!service.Log.Contains(words, StringComparison.Ordinal))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < ReloadBound, $"The service did not log: {words}");
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, Cancelled);
        }
    }
}
