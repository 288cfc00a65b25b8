using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>
/// The steps of a cluster's life, each of which asserts what it is there for. Real are the management API server, the service with the
/// rights of its chart, Helm, the workload cluster with its node and containerd, the registry and skopeo. Played are the controllers of
/// Cluster API and the add-on provider.
/// </summary>
internal sealed class ClusterLifecycle : IAsyncDisposable
{
    /// <summary>The version of Cluster API whose recorded requests are sent.</summary>
    public const string Version = "1.13.4";

    private const string Proxy = "c1-registry";

    private readonly TestEnvironment _environment;
    private readonly HookService _service;
    private readonly ClusterApi _capi;
    private readonly ScratchFolder _folder;
    private readonly BootstrappedNode _node;

    private ClusterLifecycle(
        IWorkloadCluster workload, ClusterNamespace own, TestEnvironment environment, HookService service, ScratchFolder folder)
    {
        Workload = new WorkloadRegistry(workload);
        RegistrySystem = own;
        _environment = environment;
        _service = service;
        _folder = folder;
        _capi = service.CreateClusterApi();
        _node = new BootstrappedNode(workload.Node);
    }

    /// <summary>The registry in the workload cluster, as its users meet it.</summary>
    public WorkloadRegistry Workload { get; }

    /// <summary>The namespace that the registry gets.</summary>
    public ClusterNamespace RegistrySystem { get; }

    /// <summary>The objects of the management cluster.</summary>
    public AdminClient Management => _environment.ManagementObjects;

    /// <summary>The way to the management cluster, as YAML.</summary>
    public string ManagementKubeconfig => _environment.Management.Kubeconfig;

    /// <summary>The user's Cluster.</summary>
    public TestCluster Cluster { get; private set; } = null!;

    /// <summary>What nodes trust: the content of the cluster CA Secret.</summary>
    public async Task<string> TrustAsync(CancellationToken cancellationToken) =>
        await SecretTextAsync("c1-registry-addon-ca", "ca.crt", cancellationToken);

    /// <summary>Both clusters, and the service with its ExtensionConfig, rights and image values.</summary>
    /// <param name="shared">Where the workload cluster is.</param>
    /// <param name="values">The admin's values for all registries; the images are added.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <param name="options">More options of the service. The reconciler is off, so that the hooks are seen to do their part.</param>
    public static async Task<ClusterLifecycle> StartAsync(
        SharedCluster shared, JsonObject values, CancellationToken cancellationToken, params string[] options)
    {
        var workload = await shared.GetAsync();
        var own = await ClusterNamespace.CreateAsync(workload, "registry-system", cancellationToken);
        var binaries = await KubernetesBinaries.EnsureAsync(Console.Error, cancellationToken);
        var environment = await TestEnvironment.StartAsync(
            async name => name == "management"
                ? await RealApiServer.StartAsync(name, binaries, cancellationToken) : new BorrowedServer(workload), cancellationToken);
        var folder = ScratchFolder.Create("capi-registry-hook-lifecycle-");
        var service = await InstalledService.StartAsync(environment, workload, folder, values, options, cancellationToken);
        return new ClusterLifecycle(workload, own, environment, service, folder);
    }

    /// <summary>Cluster API finds the hooks, and the ClusterClass its variable.</summary>
    public async Task DiscoverAsync(CancellationToken cancellationToken)
    {
        var hooks = await _capi.DiscoverAsync(Version, cancellationToken);
        var variables = await _capi.PostAsync(RecordedHookRequest.Load(Version, "DiscoverVariables"), cancellationToken);

        Contract.AssertDiscovery(hooks);
        Assert.Equal("clusterConfig", (string?)Assert.Single(variables.Json["variables"]!.AsArray())!["name"]);
    }

    /// <summary>The user sets one variable; Cluster API asks before it makes anything.</summary>
    public async Task CreateClusterAsync(CancellationToken cancellationToken)
    {
        var manifest = TestEnvironment.NewCluster("c1");
        manifest["spec"]!["clusterNetwork"]!["services"]!["cidrBlocks"] = new JsonArray(Workload.Cluster.ServiceNetwork);
        var created = await Management.CreateAsync(AdminClient.Clusters("default"), manifest, cancellationToken);
        Cluster = new TestCluster(
            "c1", "default", (string)created["metadata"]!["uid"]!) { ServiceCidrBlocks = [Workload.Cluster.ServiceNetwork] };
        AssertPassed(await _capi.CallAsync(Version, "BeforeClusterCreate", Cluster, cancellationToken));
    }

    /// <summary>The node gets the files of its template, its CA file from the cluster CA Secret.</summary>
    public async Task FurnishNodeAsync(CancellationToken cancellationToken)
    {
        var files = await BootstrappedNode.FilesAsync(_capi, Cluster, cancellationToken);
        await _node.FurnishAsync(files, (name, key) => SecretTextAsync(name, key, cancellationToken), cancellationToken);
    }

    /// <summary>The control plane answers, and Cluster API says so.</summary>
    public async Task InitializeControlPlaneAsync(CancellationToken cancellationToken)
    {
        await _environment.GiveKubeconfigAsync(Cluster, Workload.Cluster.Kubeconfig, cancellationToken);
        AssertPassed(await _capi.CallAsync(Version, "AfterControlPlaneInitialized", Cluster, cancellationToken));
    }

    /// <summary>The add-on provider installs what the HelmChartProxy asks for, from the service itself.</summary>
    public Task InstallChartAsync(CancellationToken cancellationToken) =>
        new HelmProvider(_environment, LoopbackAuthority.HostName, _service.Address.Host).ReconcileAsync(Proxy, cancellationToken);

    /// <summary>From now on the add-on provider installs what the HelmChartProxy asks for as soon as it changes.</summary>
    public ProviderLoop KeepInstalling() => ProviderLoop.Start(ReadVersionAsync, InstallChartAsync);

    /// <summary>An upgrade renews the certificate, and the add-on provider rolls the pods.</summary>
    public async Task UpgradeAsync(string version, CancellationToken cancellationToken)
    {
        var before = await StateAsync(cancellationToken);
        AssertPassed(await _capi.UpgradeAsync(Version, Cluster, version, cancellationToken));
        await InstallChartAsync(cancellationToken);
        Assert.NotEqual(before.Serial, (await StateAsync(cancellationToken)).Serial);
    }

    /// <summary>The service goes, and everything else stays as it is.</summary>
    public async Task StopServiceAsync(CancellationToken cancellationToken)
    {
        _service.Terminate();
        await _service.WaitForExitAsync(cancellationToken);
    }

    /// <summary>An admin replaces the registry's certificate by the commands of docs/uninstall.md.</summary>
    public async Task ReplaceCertificateByHandAsync(CancellationToken cancellationToken)
    {
        var before = await StateAsync(cancellationToken);
        await using var shell = new DocumentationShell();
        shell.Write("management.kubeconfig", ManagementKubeconfig);
        shell.Write("workload.kubeconfig", Workload.Cluster.Kubeconfig);
        shell.AddProgram("kubectl", await TestTools.PathOfAsync("kubectl"));
        shell.AddProgram("openssl", await TestTools.PathOfAsync("openssl"));
        var said = "";
        foreach (var commands in DocumentationPage.Read("docs/uninstall.md").CommandsUnder("Replace a certificate by hand"))
            said += await shell.RunAsync(commands, cancellationToken);

        Assert.Contains("new.crt: OK\n", said, StringComparison.Ordinal);
        Assert.NotEqual(before.Serial, (await StateAsync(cancellationToken)).Serial);
    }

    /// <summary>Every replica shows the certificate that lies in the Secret.</summary>
    public async Task AssertServedAsync(CancellationToken cancellationToken)
    {
        var state = await StateAsync(cancellationToken);
        var served = await Workload.ServedSerialsAsync(await TrustAsync(cancellationToken), cancellationToken);
        Assert.Equal([state.Serial, state.Serial], served);
    }

    /// <summary>What was made beside the Cluster goes with it, and nothing else is left but the root that all clusters share.</summary>
    public async Task AssertGoesWithTheClusterAsync(CancellationToken cancellationToken)
    {
        var made = new List<JsonObject>();
        foreach (var collection in new[] { AdminClient.Secrets("default"), AdminClient.ChartProxies("default") })
            made.AddRange(
                (await Management.ListAsync(collection, cancellationToken)).Where(item => IsMadeHere((string)item["metadata"]!["name"]!)));

        Assert.Equal(["c1-registry-addon-ca", Proxy], made.Select(item => (string?)item["metadata"]!["name"]));
        Assert.All(
            made, item => Assert.Equal(Cluster.Uid, (string?)Assert.Single(item["metadata"]!["ownerReferences"]!.AsArray())!["uid"]));
    }

    /// <summary>The HelmChartProxy.</summary>
    public Task<JsonObject> ReadReleaseAsync(CancellationToken cancellationToken) =>
        Management.GetAsync(AdminClient.ChartProxies("default"), Proxy, cancellationToken);

    /// <summary>What the service has logged.</summary>
    public string Log => _service.Log;

    /// <summary>Whatever happened, the log gives nothing away.</summary>
    public void AssertKeptSecret() => Secrecy.AssertNoSecretIn(_service.Log, _environment);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _capi.Dispose();
        await File.WriteAllTextAsync(
            Path.Combine(Directory.CreateDirectory(ClusterArtifacts.Folder).FullName, "lifecycle-service.log"), _service.Log);
        await _service.DisposeAsync();
        await RegistrySystem.DisposeAsync();
        await _environment.DisposeAsync();
        await _folder.DisposeAsync();
    }

    private Task<RegistryState> StateAsync(CancellationToken cancellationToken) =>
        RegistryState.ReadAsync(_environment, Cluster, cancellationToken);

    private async Task<string> ReadVersionAsync(CancellationToken cancellationToken) =>
        (await ReadReleaseAsync(cancellationToken))["spec"]!.ToJsonString();

    private async Task<string> SecretTextAsync(string name, string key, CancellationToken cancellationToken) =>
        RegistryState.Text(await Management.GetAsync(AdminClient.Secrets("default"), name, cancellationToken), key);

    /// <summary>The API server and Cluster API put Secrets there too.</summary>
    private static bool IsMadeHere(string name) => name != "c1-kubeconfig" && !name.StartsWith("default-token-", StringComparison.Ordinal);

    private static void AssertPassed(HookAnswer answer) =>
        Assert.True(answer.Status == "Success" && answer.RetryAfterSeconds is null or 0, answer.Text);
}
