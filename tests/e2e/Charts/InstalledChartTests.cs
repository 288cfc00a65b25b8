using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Cluster;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>
/// Both charts installed and tested by Helm 3 and 4 on a cluster with a node: each by itself, and as parts of another chart.
/// </summary>
[Collection(OnOneNode.Name)]
public sealed class InstalledChartTests(SharedCluster shared) : IAsyncLifetime
{
    private const string Parent = "platform";

    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-charts-");

    private RegistryRelease _release = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var cluster = await shared.GetAsync();
        await using var kubectl = await KubectlProgram.ForAsync(cluster, CancellationToken);
        await kubectl.InstallDefinitionsAsync(CancellationToken);
        // Releases of other namespaces leave it behind.
        await kubectl.RunAsync(CancellationToken, "delete", "customresourcedefinition", "registrycontents.capi-registry-hook.io",
            "--ignore-not-found");
        _release = await RegistryRelease.PrepareAsync(shared, "charts", CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        // Roles are not in the namespace.
        await using (var helm = await HelmClient.ForAsync("helm4", _release.Kubeconfig, _release.Namespace, CancellationToken.None))
        {
            foreach (var name in (string[])["registry", HookChart.Release, Parent])
                await helm.RunAsync(CancellationToken.None, "uninstall", name, "--ignore-not-found");
        }

        await _release.DisposeAsync();
        await _folder.DisposeAsync();
    }

    [Theory]
    [InlineData("helm3")]
    [InlineData("helm4")]
    public async Task Test_EachChartByItself_Succeeds(string tool)
    {
        await using var helm = await HelmClient.ForAsync(tool, _release.Kubeconfig, _release.Namespace, CancellationToken);
        await InstallAsync(helm, "registry", ChartFolder.Open("registry").Path, await RegistryValuesAsync());
        await InstallAsync(helm, HookChart.Release, HookChart.Folder.Path, await HookValuesAsync());

        await helm.RunAsync(CancellationToken, "test", "registry", "--timeout=60s");
        await helm.RunAsync(CancellationToken, "test", HookChart.Release, "--timeout=60s");
    }

    /// <summary>The parent has globals of other charts, and leaves the registry out by its condition.</summary>
    [Theory]
    [InlineData("helm3")]
    [InlineData("helm4")]
    public async Task Test_PartsOfAnotherChart_SucceedAndCanBeLeftOut(string tool)
    {
        await using var helm = await HelmClient.ForAsync(tool, _release.Kubeconfig, _release.Namespace, CancellationToken);
        var chart = WriteParent();
        var values = new JsonObject
        {
            ["global"] = new JsonObject { ["storageClass"] = "fast", ["imagePullSecrets"] = new JsonArray("login") },
            ["registry"] = await RegistryValuesAsync(),
            [HookChart.Release] = await HookValuesAsync(),
        };
        await helm.RunAsync(CancellationToken, "lint", "--strict", chart, "--values", _folder.Write("lint.json", values.ToJsonString()));

        await InstallAsync(helm, Parent, chart, values);
        await helm.RunAsync(CancellationToken, "test", Parent, "--timeout=60s");
        values["registry"]!["enabled"] = false;
        await InstallAsync(helm, Parent, chart, values);

        Assert.Equal("", await _release.KubectlAsync(CancellationToken, "get", "statefulsets", "--output=name"));    }

    /// <summary>What helm test is for: with another authority than the registry's it fails.</summary>
    [Fact]
    public async Task Test_CertificateOfAnotherAuthority_Fails()
    {
        await using var helm = await HelmClient.ForAsync("helm3", _release.Kubeconfig, _release.Namespace, CancellationToken);
        await InstallAsync(helm, "registry", ChartFolder.Open("registry").Path, await RegistryValuesAsync());
        var other = ServerIdentity.Create(["other"], []).RootPem;
        await _release.KubectlAsync(CancellationToken, "patch", "secret/registry-tls", "--type=merge", "--patch",
            new JsonObject { ["stringData"] = new JsonObject { ["ca.crt"] = other } }.ToJsonString());

        var failed = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            helm.RunAsync(CancellationToken, "test", "registry", "--timeout=60s"));

        Assert.Contains("pod registry-test failed", failed.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("verify", await _release.KubectlAsync(CancellationToken, "logs", "pod/registry-test"), StringComparison.Ordinal);
    }

    private Task<string> InstallAsync(HelmClient helm, string name, string chart, JsonObject values) => helm.RunAsync(
        CancellationToken, "upgrade", "--install", name, chart, "--values", _folder.Write($"{name}.json", values.ToJsonString()), "--wait",
        "--timeout=120s");

    private async Task<JsonObject> RegistryValuesAsync()
    {
        var values = await _release.BaseValuesAsync("registry", CancellationToken);
        values["replicas"] = 1;
        values["storage"] = new JsonObject { ["type"] = "emptyDir" };
        return values;
    }

    private async Task<JsonObject> HookValuesAsync() => new()
    {
        ["fullnameOverride"] = HookChart.Release,
        ["replicas"] = 1,
        ["image"] = ImageValues.Of(await (await shared.GetAsync()).ProvideImageAsync(TestImage.Hook, CancellationToken)),
        ["certificate"] = new JsonObject { ["mode"] = "selfManaged" },
        ["drainSeconds"] = 0,
        // The next test's release brings its own.
        ["crds"] = new JsonObject { ["keep"] = false },
    };

    private string WriteParent()
    {
        foreach (var name in ChartFolder.Names())
            Copy(ChartFolder.Open(name).Path, _folder[$"{Parent}/charts/{name}"]);
        _folder.Write($"{Parent}/values.yaml", "");
        _folder.Write($"{Parent}/templates/NOTES.txt", "");
        _folder.Write($"{Parent}/Chart.yaml", $"""
            apiVersion: v2
            name: {Parent}
            description: Everything that a platform needs.
            version: 1.0.0
            icon: https://example.com/icon.svg
            dependencies:
            """ + string.Concat(
                ChartFolder.Names().Select(name => $"\n- {{name: {name}, version: {ServiceVersion.Text}, condition: {name}.enabled}}")));
        return _folder[Parent];
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }
    }
}
