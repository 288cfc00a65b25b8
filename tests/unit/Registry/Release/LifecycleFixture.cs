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
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Release;

/// <summary>
/// The lifecycle of registries over a management cluster and one workload cluster in this process, whose pods always serve.
/// </summary>
internal sealed class LifecycleFixture : IDisposable
{
    public const string Namespace = "team-a";

    private readonly InProcessApi _managementApi;
    private readonly InProcessApi _workloadApi;

    private LifecycleFixture(RegistryOptions options)
    {
        _managementApi = new InProcessApi(new Uri("https://management.test"), Time, Namespace, options.HookNamespace);
        _workloadApi = new InProcessApi(new Uri("https://workload.test"), Time, "default");
        Management = new AdminClient(_managementApi);
        Workload = new AdminClient(_workloadApi);
        var limits = new KubernetesClientOptions
        {
            CreateHandler = connection =>
                connection.Server.Host == _workloadApi.Address.Host ? _workloadApi.CreateHandler() : _managementApi.CreateHandler(),
            MaxAttempts = 1,
        };
        var management = new ClusterConnection { Server = _managementApi.Address, Credentials = new StaticToken(_managementApi.Token) };
        Registry = RegistryLifecycle.Connect(
            management, limits, options, Time, (_, _, _) => Task.FromResult<ServedResult>(new ServedResult.AllServed()));
    }

    public FixedTime Time { get; } = new(Samples.Present);

    public AdminClient Management { get; }

    public AdminClient Workload { get; }

    /// <summary>What is tested.</summary>
    public RegistryLifecycle Registry { get; }

    /// <summary>Calls that both API servers have answered, those of the test included.</summary>
    public long CallCount => _managementApi.CallCount + _workloadApi.CallCount;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>The API servers, and on them the Cluster with the kubeconfig of its control plane.</summary>
    public static async Task<(LifecycleFixture Fixture, Cluster Cluster)> StartAsync(string name = "c1", RegistryOptions? options = null)
    {
        var fixture = new LifecycleFixture(options ?? new RegistryOptions());
        using var authority = LoopbackAuthority.Create(TimeProvider.System);
        var kubeconfig = KubeconfigText.Write(
            name, fixture._workloadApi.Address, authority.CertificatePem, fixture._workloadApi.Token);
        await fixture.Management.CreateAsync(AdminClient.Secrets(Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = $"{name}-kubeconfig" },
            ["data"] = new JsonObject { ["value"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(kubeconfig)) },
        }, CancellationToken);
        var cluster = TestEnvironment.NewCluster(name);
        cluster["spec"] = Spec("{}");
        await fixture.Management.CreateAsync(AdminClient.Clusters(Namespace), cluster, CancellationToken);
        return (fixture, await fixture.ReadAsync(name));
    }

    /// <summary>The Cluster as a hook request or the reconciler sees it now.</summary>
    public async Task<Cluster> ReadAsync(string name = "c1")
    {
        var json = await Management.GetAsync(AdminClient.Clusters(Namespace), name, CancellationToken);
        return Clusters.Read(json.ToJsonString());
    }

    /// <summary>Changes what the Cluster requests; null disables the registry.</summary>
    public async Task<Cluster> RequestAsync(string? settings, string name = "c1")
    {
        await Management.MergePatchAsync(
            AdminClient.Clusters(Namespace), name, new JsonObject { ["spec"] = Spec(settings) }, CancellationToken);
        return await ReadAsync(name);
    }

    public Task<ReconcileResult> ReconcileAsync(string name = "c1") =>
        Registry.Fleet.ReconcileAsync(new ClusterKey(Namespace, name), verify: false, CancellationToken);

    public Task<JsonObject?> ChartProxyAsync(string name = "c1-registry") =>
        Management.FindAsync(AdminClient.ChartProxies(Namespace), name, CancellationToken);

    /// <summary>The Events on Clusters: reason and note.</summary>
    public async Task<IReadOnlyList<(string Reason, string Note)>> EventsAsync() =>
        [.. (await Management.ListAsync(AdminClient.Events(Namespace), CancellationToken))
            .Select(item => ((string)item["reason"]!, (string)item["note"]!)).Order()];

    public void Dispose()
    {
        Registry.Dispose();
        Management.Dispose();
        Workload.Dispose();
    }

    private static JsonObject Spec(string? settings) => new()
    {
        ["topology"] = new JsonObject
        {
            ["version"] = "v1.33.0",
            ["variables"] = settings is null ? [] : new JsonArray(new JsonObject
            {
                ["name"] = "clusterConfig",
                ["value"] = new JsonObject { ["addons"] = new JsonObject { ["registry"] = JsonNode.Parse(settings) } },
            }),
        },
    };
}
