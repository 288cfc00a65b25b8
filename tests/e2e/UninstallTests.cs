using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// The service goes by the commands of docs/uninstall.md, from a real API server that has its chart. Its program runs beside it, since
/// there are no nodes.
/// </summary>
public sealed class UninstallTests : IAsyncLifetime
{
    private const string Classes = "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/clusterclasses";

    private readonly DocumentationPage _page = DocumentationPage.Read("docs/uninstall.md");
    private readonly DocumentationShell _shell = new();
    private TestEnvironment _environment = null!;
    private KubectlProgram _kubectl = null!;
    private HookService? _service;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _environment = await TestEnvironment.StartAsync(StartServerAsync, CancellationToken);
        _kubectl = await KubectlProgram.ForAsync(_environment.Management, CancellationToken);
        await _kubectl.InstallDefinitionsAsync(CancellationToken);
        _shell.AddProgram("kubectl", await TestTools.PathOfAsync("kubectl"));
        _shell.AddProgram("helm", await TestTools.PathOfAsync("helm3"));
        Directory.CreateDirectory(_shell[".kube"]);
        _shell.Write(".kube/config", _environment.Management.Kubeconfig);
        await _shell.RunAsync(
            $"helm install capi-registry-hook '{HookChart.Folder.Path}' --namespace {HookService.Namespace}", CancellationToken);
        _service = await HookService.StartAsync(
            _environment.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s"], CancellationToken);
        await InstallAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopServiceAsync();
        await _shell.DisposeAsync();
        await _kubectl.DisposeAsync();
        await _environment.DisposeAsync();
    }

    [Fact]
    public async Task KeepTheRegistries_ByThePage_LeavesWhatTheyNeed()
    {
        await CreateClassAsync();
        Assert.Contains("default/quick-start", await RunPageAsync("Let the ClusterClasses go"), StringComparison.Ordinal);
        await _environment.ManagementObjects.DeleteIfThereAsync(Classes, "quick-start", CancellationToken);
        Assert.Equal("No ClusterClass names a handler.\n", await RunPageAsync("Let the ClusterClasses go"));
        var before = await RegistryObjectsAsync();

        var dates = await RunPageAsync("Keep the registries");
        await StopServiceAsync();
        await RunPageAsync("Remove the service");

        Assert.Matches(@"default +c1-registry +20\d\d-", dates);
        Assert.Equal(before, await RegistryObjectsAsync());
        Assert.Contains("secrets default/c1-registry-addon-ca", before);
        Assert.Contains("secrets capi-registry-hook-system/registry-addon-root-ca", before);
        Assert.Contains("helmchartproxies default/c1-registry", before);
        Assert.Equal("", await OwnObjectsAsync());
    }

    [Fact]
    public async Task TakeTheRegistriesAway_ByThePage_LeavesNothing()
    {
        await _environment.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), "c1", new JsonObject
        {
            ["spec"] = new JsonObject { ["topology"] = new JsonObject { ["variables"] = null } },
        }, CancellationToken);

        await RunPageAsync("Take the registries away");
        await StopServiceAsync();
        await RunPageAsync("Remove the service");
        await RunPageAsync("Remove the rest");

        Assert.Empty(await RegistryObjectsAsync());
        Assert.Equal("", await OwnObjectsAsync());
    }

    private static async Task<IApiServer> StartServerAsync(string name) => name == "workload"
        ? await EmbeddedApiServer.StartAsync(name, CancellationToken)
        : await RealApiServer.StartAsync(name, await KubernetesBinaries.EnsureAsync(Console.Error, CancellationToken), CancellationToken);

    /// <summary>As Helm ends the pods that there are not.</summary>
    private async Task StopServiceAsync()
    {
        if (_service is { } service)
            await service.DisposeAsync();
        _service = null;
    }

    private async Task InstallAsync()
    {
        var cluster = await _environment.CreateClusterAsync("c1", CancellationToken);
        await _environment.GiveKubeconfigAsync(cluster, CancellationToken);
        await Polling.UntilAsync("the registry", async () => await _environment.ManagementObjects.FindAsync(
            AdminClient.ChartProxies("default"), "c1-registry", CancellationToken) is not null, () => _service!.Log, CancellationToken);
    }

    private Task<JsonObject> CreateClassAsync() => _environment.ManagementObjects.CreateAsync(Classes, new JsonObject
    {
        ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
        ["kind"] = "ClusterClass",
        ["metadata"] = new JsonObject { ["name"] = "quick-start" },
        ["spec"] = new JsonObject
        {
            ["infrastructure"] = new JsonObject { ["templateRef"] = Template("infrastructure", "InMemoryClusterTemplate") },
            ["controlPlane"] = new JsonObject { ["templateRef"] = Template("controlplane", "KubeadmControlPlaneTemplate") },
            ["patches"] = new JsonArray(new JsonObject
            {
                ["name"] = "registry",
                ["external"] = new JsonObject { ["generatePatchesExtension"] = "generatepatches-v2.capi-registry-hook" },
            }),
        },
    }, CancellationToken);

    private static JsonObject Template(string group, string kind) => new()
    {
        ["apiVersion"] = $"{group}.cluster.x-k8s.io/v1beta2", ["kind"] = kind, ["name"] = "quick-start",
    };

    private async Task<string> RunPageAsync(string heading)
    {
        var printed = "";
        foreach (var commands in _page.CommandsUnder(heading))
            printed += await _shell.RunAsync(commands, CancellationToken);
        return printed;
    }

    /// <summary>What the registries need on the management cluster.</summary>
    private async Task<List<string>> RegistryObjectsAsync()
    {
        var found = new List<string>();
        foreach (var kind in new[] { "secrets", "helmchartproxies" })
        {
            var names = await _kubectl.RunAsync(CancellationToken, "get", kind, "--all-namespaces",
                "--selector=app.kubernetes.io/managed-by=capi-registry-hook",
                "--output=jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{\"\\n\"}{end}");
            found.AddRange(names.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(name => $"{kind} {name}"));
        }

        return found;
    }

    /// <summary>What the chart and the service made for the service itself.</summary>
    private async Task<string> OwnObjectsAsync() =>
        await _kubectl.RunAsync(CancellationToken, "get",
            "deployments,services,serviceaccounts,clusterroles,clusterrolebindings,roles,rolebindings,extensionconfigs,certificates,issuers",
            "--all-namespaces", "--selector=app.kubernetes.io/instance=capi-registry-hook", "--output=name")
        + await _kubectl.RunAsync(CancellationToken, "get", "leases", $"--namespace={HookService.Namespace}", "--output=name");
}
