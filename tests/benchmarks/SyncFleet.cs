using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Clients;

namespace CapiRegistryHook.Benchmarks;

/// <summary>
/// A management cluster with many Clusters that are in sync, whose registries are one real registry, and a few whose registry forgets what
/// it gets, so that it can be filled again and again.
/// </summary>
internal sealed class SyncFleet : IAsyncDisposable
{
    private const int Layers = 4;
    private const int LayerSize = 6 << 20;

    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-sync-");
    private readonly ServerIdentity _identity = ServerIdentity.Create(["localhost", ClusterRegistry.ServerName], ["127.0.0.1"]);
    private readonly int _port = LoopbackPort.Find();
    private LocalRegistry? _registry;

    private SyncFleet(TestEnvironment environment) => Environment = environment;

    public TestEnvironment Environment { get; }

    public FilledClusters Filled { get; private set; } = null!;

    private AdminClient Objects => Environment.ManagementObjects;

    /// <summary>Starts it.</summary>
    /// <param name="synced">Clusters that share a registry that holds its content.</param>
    /// <param name="filling">Clusters whose registries never do.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<SyncFleet> StartAsync(int synced, int filling, CancellationToken cancellationToken)
    {
        var fleet = new SyncFleet(await TestEnvironment.StartAsync(
            async name => await EmbeddedApiServer.StartAsync(name, cancellationToken), cancellationToken));
        await fleet.ServeAsync(cancellationToken);
        await FilledClusters.InstallAsync((EmbeddedApiServer)fleet.Environment.Workload, fleet._port, cancellationToken);
        foreach (var number in Enumerable.Range(0, synced))
            await fleet.AddAsync($"s{number}", "synced", fleet.Environment.Workload.Kubeconfig, cancellationToken);
        fleet.Filled = await FilledClusters.StartAsync(filling, fleet._folder, cancellationToken);
        foreach (var (number, kubeconfig) in fleet.Filled.Kubeconfigs.Index())
            await fleet.AddAsync($"f{number}", "filling", kubeconfig, cancellationToken);
        await fleet.WriteSecretAsync("source-ca", "ca.crt", fleet._identity.RootPem, cancellationToken);
        await fleet.DeclareAsync("base", "small", "synced", cancellationToken);
        await fleet.DeclareAsync("bulk", "large", "filling", cancellationToken);
        return fleet;
    }

    /// <summary>Starts or stops filling. A registry that is being filled goes on until it ends.</summary>
    public async Task SetFillingAsync(bool isOn, int round, CancellationToken cancellationToken)
    {
        await Objects.MergePatchAsync(AdminClient.Contents("default"), "bulk", new JsonObject
        {
            ["spec"] = new JsonObject { ["suspend"] = !isOn },
        }, cancellationToken);
        foreach (var number in Enumerable.Range(0, isOn ? Filled.Kubeconfigs.Count : 0))
            await Objects.MergePatchAsync(AdminClient.Clusters("default"), $"f{number}", new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["annotations"] = new JsonObject { ["capi-registry-hook.io/content-needed"] = $"v1.{round}" },
                },
            }, cancellationToken);
    }

    /// <summary>Starts the published syncer.</summary>
    public Task<SyncProcess> SyncAsync(CancellationToken cancellationToken, params string[] options) => SyncProcess.StartAsync(
        _folder.Write("kubeconfig", Environment.Management.Kubeconfig), _folder[$"sync-{Guid.NewGuid():N}.log"], options,
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_registry is not null)
            await _registry.DisposeAsync();
        await Filled.DisposeAsync();
        await Environment.DisposeAsync();
        await _folder.DisposeAsync();
    }

    private async Task ServeAsync(CancellationToken cancellationToken)
    {
        _folder.Write("tls.crt", _identity.CertificatePem);
        _folder.Write("tls.key", _identity.KeyPem);
        _folder.Write("ca.crt", _identity.RootPem);
        var configuration = _folder.Write("config.yml", $$"""
            version: 0.1
            log: { level: info, accesslog: { disabled: true } }
            storage: { filesystem: { rootdirectory: {{_folder["storage"]}} } }
            http: { addr: "127.0.0.1:{{_port}}", tls: { certificate: {{_folder["tls.crt"]}}, key: {{_folder["tls.key"]}} } }
            """);
        _registry = await LocalRegistry.StartAsync(configuration, _folder["registry.log"], cancellationToken);
        var images = new LayoutImages(_folder["layout"], seed: 1);
        images.Add("docker.io/test/small:1", images.Random(50_000));
        images.Add("docker.io/test/large:1", [.. Enumerable.Range(0, Layers).Select(_ => images.Random(LayerSize))]);
        var push = await ProgramRun.RunAsync(HookService.ProgramPath(),
            ["push", images.Folder, "--registry", $"localhost:{_port}", "--ca-file", _folder["ca.crt"]], cancellationToken);
        if (push.ExitCode != 0)
            throw new InvalidOperationException(push.Errors);
    }

    private async Task AddAsync(string name, string group, string kubeconfig, CancellationToken cancellationToken)
    {
        var cluster = TestEnvironment.NewCluster(name);
        cluster["metadata"]!["labels"] = new JsonObject { ["group"] = group };
        await Objects.CreateAsync(AdminClient.Clusters("default"), cluster, cancellationToken);
        await WriteSecretAsync($"{name}-registry-addon-ca", "ca.crt", _identity.RootPem, cancellationToken);
        await WriteSecretAsync($"{name}-kubeconfig", "value", kubeconfig, cancellationToken);
    }

    private Task<JsonObject> DeclareAsync(string name, string image, string group, CancellationToken cancellationToken)
    {
        var content = TestContent.FromRegistry(name, $"localhost:{_port}", $"docker.io/test/{image}:1");
        content["spec"]!["clusterSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["group"] = group } };
        content["spec"]!["suspend"] = group == "filling";
        return Objects.CreateAsync(AdminClient.Contents("default"), content, cancellationToken);
    }

    private Task<JsonObject> WriteSecretAsync(string name, string key, string text, CancellationToken cancellationToken)
    {
        var secret = Named(name);
        secret["data"] = new JsonObject { [key] = Convert.ToBase64String(Encoding.UTF8.GetBytes(text)) };
        return Objects.CreateAsync(AdminClient.Secrets("default"), secret, cancellationToken);
    }

    private static JsonObject Named(string name) => new() { ["metadata"] = new JsonObject { ["name"] = name } };
}
