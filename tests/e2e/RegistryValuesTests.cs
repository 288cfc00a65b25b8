using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>What the admin and the user say of the chart's values arrives in the HelmChartProxy, also what changes later.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class RegistryValuesTests(EmbeddedEnvironment fixture)
{
    private const string Version = "1.13.4";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ValuesFile_ChangedWhileRunning_ReachesTheNextRelease()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await using var folder = ScratchFolder.Create("capi-registry-hook-values-");
        var file = folder.Write("values.yaml", "priorityClassName: first\nstorage: {size: 20Gi}\n");
        await using var service =
            await HookService.StartAsync(environment.Management.Kubeconfig, ["--registry-values-file", file], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        await environment.GiveKubeconfigAsync(cluster, CancellationToken);
        await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken);

        await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);
        var first = await ValuesAsync(environment, cluster);
        folder.Write("values.yaml", "nonsense: 1\n");
        await service.WaitForLogAsync("The former content of the file with values for the registry chart stays", CancellationToken);
        folder.Write("values.yaml", "priorityClassName: second\nstorage: {size: 5Gi}\n");
        await service.WaitForLogAsync("The values for the registry chart were reloaded", CancellationToken);
        var upgrade = await capi.CallAsync(Version, "BeforeClusterUpgrade", cluster, CancellationToken);
        var second = await ValuesAsync(environment, cluster);

        Assert.Contains("priorityClassName: \"first\"", first, StringComparison.Ordinal);
        Assert.Contains("size: \"20Gi\"", first, StringComparison.Ordinal);
        Assert.Equal("Success", upgrade.Status);
        Assert.Contains("priorityClassName: \"second\"", second, StringComparison.Ordinal);
        Assert.Contains("size: \"20Gi\"", second, StringComparison.Ordinal);
        await service.WaitForLogAsync("they can't be made smaller", CancellationToken);
        await service.WaitForLogAsync("The value nonsense is not a value of the chart.", CancellationToken);
    }

    [Theory]
    [InlineData("tls: {secretName: mine}\n", "The value tls.secretName is computed for each cluster; remove it.")]
    [InlineData("storage: {type: tape}\n", "The value storage.type must be one of")]
    [InlineData("storage: {type: s3, s3: {bucket: b}}\n", "The value storage.s3 would put the registries of all clusters into one place")]
    [InlineData("nameOverride: mine\n", "The value nameOverride is part of selectors")]
    public async Task ValuesFile_ThatCannotBeUsed_IsRefusedAtStart(string values, string sentence)
    {
        await using var folder = ScratchFolder.Create("capi-registry-hook-values-");
        var file = folder.Write("values.yaml", values);

        var run =
            await ProgramRun.RunAsync(HookService.ProgramPath(), ["plan", "-f", "-", "--registry-values-file", file], CancellationToken);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains($"--registry-values-file names the file {file}. {sentence}", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_WithTheAdminsValues_ShowsTheReleaseThatWouldBeWritten()
    {
        await using var folder = ScratchFolder.Create("capi-registry-hook-values-");
        var file = folder.Write("values.yaml", "priorityClassName: admins\nstorage: {type: s3, s3: {bucket: b, rootDirectory: "
            + "\"/${namespace}/${cluster}\"}}\n");
        var manifest = Path.Combine(RepositoryRoot.Find(), "docs", "examples", "cluster.yaml");

        var plan =
            await ProgramRun.OutputOfAsync(
                HookService.ProgramPath(), ["plan", "-f", manifest, "--registry-values-file", file], CancellationToken);

        Assert.Contains("priorityClassName: \"admins\"", plan, StringComparison.Ordinal);
        Assert.Matches("rootDirectory: .*\"/[a-z0-9-]+/[a-z0-9-]+", plan);
        Assert.DoesNotContain("${cluster}", plan, StringComparison.Ordinal);
    }

    /// <summary>Our reading of the chart's schema is Helm's: the same values are refused by both, or by none.</summary>
    [Theory]
    [InlineData(true, "{}")]
    [InlineData(true, "replicas: 3")]
    [InlineData(true, "replicas: 3.0")]
    [InlineData(true, "storage: {type: emptyDir, emptyDir: {sizeLimit: 5Gi}}")]
    [InlineData(true, "podAnnotations: {a: b}")]
    [InlineData(true, "podAnnotations: null")]
    [InlineData(false, "resources: null")]
    [InlineData(true, "extraEnv: [{name: A, value: b}]")]
    [InlineData(false, "replicas: 0")]
    [InlineData(false, "replicas: 2.5")]
    [InlineData(false, "replicas: \"2\"")]
    [InlineData(false, "Replicas: 2")]
    [InlineData(false, "storage: {size: 5}")]
    [InlineData(false, "storage: {sise: 5Gi}")]
    [InlineData(false, "storage: {type: tape}")]
    [InlineData(false, "storage: [pvc]")]
    [InlineData(false, "storage: {size: \"many\"}")]
    [InlineData(false, "podAnnotations: {a: 1}")]
    [InlineData(false, "extraEnv: {A: b}")]
    [InlineData(false, "imagePullSecrets: [name]")]
    [InlineData(false, "log: {level: loud}")]
    [InlineData(false, "image: {digest: \"sha256:12\"}")]
    [InlineData(false, "service: {type: Ingress}")]
    [InlineData(false, "metrics: {enabled: \"yes\"}")]
    [InlineData(false, "podLabels: {app.kubernetes.io/name: a}")]
    [InlineData(true, "podLabels: {app.kubernetes.io/part-of: a}")]
    [InlineData(false, "commonLabels: {app.kubernetes.io/instance: a}")]
    [InlineData(false, "image: {tag: \"\"}")]
    [InlineData(false, "sync: {interval: 0s}")]
    public async Task Values_AnyOfThem_AreJudgedAsHelmJudges(bool fits, string values)
    {
        await using var folder = ScratchFolder.Create("capi-registry-hook-values-");
        var file = folder.Write("values.yaml", values + "\n");
        var chart = Path.Combine(RepositoryRoot.Find(), "charts", "registry");
        string[] arguments = ["template", "registry", chart, "--values", Path.Combine(chart, "ci", "hook-values.yaml"), "--values", file];
        var environment = new Dictionary<string, string?> { ["HOME"] = folder.Path };

        var ours =
            await ProgramRun.RunAsync(HookService.ProgramPath(), ["plan", "-f", "-", "--registry-values-file", file], CancellationToken);
        var helm3 = await ProgramRun.RunAsync(await TestTools.PathOfAsync("helm3"), arguments, CancellationToken, environment: environment);
        var helm4 = await ProgramRun.RunAsync(await TestTools.PathOfAsync("helm4"), arguments, CancellationToken, environment: environment);

        Assert.Equal((fits, fits), (helm3.ExitCode == 0, helm4.ExitCode == 0));
        Assert.Equal(!fits, ours.Errors.Contains("--registry-values-file names the file", StringComparison.Ordinal));
    }

    private static async Task<string> ValuesAsync(TestEnvironment environment, TestCluster cluster) =>
        (string)(await RegistryState.ReadAsync(environment, cluster, CancellationToken)).ChartProxy!["spec"]!["valuesTemplate"]!;
}
