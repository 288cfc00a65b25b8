using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>
/// A management and a workload cluster without a network, a clock that moves when it is told to, and the product in between. The test says
/// what the pods serve.
/// </summary>
internal sealed class ReconcilerFixture : IDisposable
{
    public const string HookNamespace = "capi-registry-hook-system";
    public static readonly ClusterKey Key = new("team-a", "c1");

    private readonly string _authority;
    private readonly List<RegistryLifecycle> _replicas = [];
    private TaskCompletionSource _check = new();

    public ReconcilerFixture()
    {
        Management = new InProcessApi(new Uri("https://management.test"), Time, Key.Namespace, HookNamespace);
        Workload = new InProcessApi(new Uri("https://workload.test"), Time, "default", "registry-system");
        Objects = new AdminClient(Management);
        using var authority = LoopbackAuthority.Create(Time);
        _authority = authority.CertificatePem;
        Registry = NewReplica();
    }

    public ManualTime Time { get; } = new();

    public InProcessApi Management { get; }

    public InProcessApi Workload { get; }

    public AdminClient Objects { get; }

    /// <summary>The replica that has been there from the beginning.</summary>
    public RegistryLifecycle Registry { get; }

    /// <summary>The options of all replicas that get no other ones.</summary>
    public RegistryOptions Options { get; } = new() { HookNamespace = HookNamespace };

    /// <summary>What the pods serve.</summary>
    public ServedResult Served { get; set; } = new ServedResult.AllServed();

    public static string Releases => AdminClient.ChartProxies(Key.Namespace);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>Another process: it remembers nothing.</summary>
    public RegistryLifecycle NewReplica(RegistryOptions? options = null, TimeProvider? time = null)
    {
        var limits = new KubernetesClientOptions { CreateHandler = Handler, MaxAttempts = 1 };
        var connection = new ClusterConnection { Server = Management.Address, Credentials = new StaticToken(Management.Token) };
        _replicas.Add(RegistryLifecycle.Connect(
            connection, limits, options ?? Options, time ?? Time,
            (_, _, _) => Task.FromResult(Check())));
        return _replicas[^1];
    }

    /// <summary>Ends when somebody checks next what the pods serve.</summary>
    public Task NextCheckAsync() => (_check = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(
        TimeSpan.FromSeconds(20), CancellationToken);

    /// <summary>A Cluster that wants a registry, with its kubeconfig.</summary>
    public async Task AddClusterAsync(string name = "c1")
    {
        await Objects.CreateAsync(AdminClient.Clusters(Key.Namespace), TestEnvironment.NewCluster(name), CancellationToken);
        var kubeconfig = KubeconfigText.Write(name, Workload.Address, _authority, Workload.Token);
        await Objects.CreateAsync(AdminClient.Secrets(Key.Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = $"{name}-kubeconfig" },
            ["data"] = new JsonObject { ["value"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(kubeconfig)) },
        }, CancellationToken);
    }

    /// <summary>A pod of the registry on the workload cluster, or of a cache, by its name.</summary>
    public async Task AddPodAsync(string name, string node)
    {
        using var workload = new AdminClient(Workload);
        await workload.CreateAsync("/api/v1/namespaces/registry-system/pods", new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = name,
                ["labels"] = new JsonObject
                {
                    ["app.kubernetes.io/instance"] = "registry",
                    ["app.kubernetes.io/component"] = name.StartsWith("registry-cache", StringComparison.Ordinal) ? "cache" : "registry",
                },
            },
            ["spec"] = new JsonObject { ["nodeName"] = node },
        }, CancellationToken);
    }

    /// <summary>The first reconcile installs the registry, the second sees it served.</summary>
    public async Task InstallAsync()
    {
        await AddClusterAsync();
        await ReconcileAsync();
        Assert.Equal(ClusterPhase.Ready, (await ReconcileAsync()).Phase);
    }

    public Task<ReconcileResult> ReconcileAsync(RegistryLifecycle? replica = null, string name = "c1") =>
        (replica ?? Registry).Fleet.ReconcileAsync(Key with { Name = name }, verify: false, CancellationToken);

    public Task<JsonObject> PatchClusterAsync(JsonObject patch) =>
        Objects.MergePatchAsync(AdminClient.Clusters(Key.Namespace), Key.Name, patch, CancellationToken);

    public void Dispose()
    {
        _replicas.ForEach(replica => replica.Dispose());
        Objects.Dispose();
    }

    private ServedResult Check()
    {
        _check.TrySetResult();
        return Served;
    }

    private HttpMessageHandler Handler(ClusterConnection connection) =>
        (connection.Server.Host == Workload.Address.Host ? Workload : Management).CreateHandler();
}
