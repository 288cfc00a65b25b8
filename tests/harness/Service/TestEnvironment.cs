using System.Text;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Service;

/// <summary>
/// A management and a workload API server, with what Cluster API and its user put there: the hook's namespace, Clusters, and
/// kubeconfig Secrets.
/// </summary>
public sealed class TestEnvironment : IAsyncDisposable
{
    private readonly bool _ownsWorkload;

    private TestEnvironment(IApiServer management, IApiServer workload, bool ownsWorkload)
    {
        _ownsWorkload = ownsWorkload;
        Management = management;
        Workload = workload;
        ManagementObjects = new AdminClient(management);
        WorkloadObjects = new AdminClient(workload);
    }

    private readonly List<string> _namespaces = ["default"];

    /// <summary>Where Cluster API runs.</summary>
    public IApiServer Management { get; }

    /// <summary>The cluster that gets the registry.</summary>
    public IApiServer Workload { get; }

    /// <summary>The objects of the management cluster.</summary>
    public AdminClient ManagementObjects { get; }

    /// <summary>The objects of the workload cluster.</summary>
    public AdminClient WorkloadObjects { get; }

    /// <summary>Starts two API servers and creates the hook's namespace. Disposing the environment ends them.</summary>
    /// <param name="startServer">Starts an API server of that name.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<TestEnvironment> StartAsync(Func<string, Task<IApiServer>> startServer, CancellationToken cancellationToken)
    {
        var servers = await Task.WhenAll(startServer("management"), startServer("workload"));
        var environment = new TestEnvironment(servers[0], servers[1], ownsWorkload: true);
        await environment.CreateNamespaceAsync(HookService.Namespace, cancellationToken);
        return environment;
    }

    /// <summary>
    /// Another management cluster for the same workload cluster, with the hook's namespace. Disposing it ends the management cluster alone.
    /// </summary>
    /// <param name="management">The other management cluster, which it owns from now on.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<TestEnvironment> BesideAsync(IApiServer management, CancellationToken cancellationToken)
    {
        var environment = new TestEnvironment(management, Workload, ownsWorkload: false);
        await environment.CreateNamespaceAsync(HookService.Namespace, cancellationToken);
        return environment;
    }

    /// <summary>Creates a namespace on the management cluster.</summary>
    public async Task CreateNamespaceAsync(string name, CancellationToken cancellationToken)
    {
        await ManagementObjects.CreateAsync(
            "/api/v1/namespaces", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }, cancellationToken);
        _namespaces.Add(name);
    }

    /// <summary>Creates a Cluster as its user does.</summary>
    public async Task<TestCluster> CreateClusterAsync(string name, CancellationToken cancellationToken, string @namespace = "default")
    {
        var created = await ManagementObjects.CreateAsync(AdminClient.Clusters(@namespace), NewCluster(name), cancellationToken);
        return new TestCluster(name, @namespace, (string)created["metadata"]!["uid"]!);
    }

    /// <summary>Writes the kubeconfig Secret, as the control plane provider does once the workload cluster answers.</summary>
    public Task GiveKubeconfigAsync(TestCluster cluster, CancellationToken cancellationToken) =>
        GiveKubeconfigAsync(cluster, Workload.Kubeconfig, cancellationToken);

    /// <summary>Writes a kubeconfig Secret with any content.</summary>
    public Task GiveKubeconfigAsync(TestCluster cluster, string kubeconfig, CancellationToken cancellationToken) =>
        ManagementObjects.CreateAsync(AdminClient.Secrets(cluster.Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = $"{cluster.Name}-kubeconfig" },
            ["type"] = "cluster.x-k8s.io/secret",
            ["data"] = new JsonObject { ["value"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(kubeconfig)) },
        }, cancellationToken);

    /// <summary>Removes what tests and the service left, so that the next test starts on empty clusters.</summary>
    public async Task ClearAsync(CancellationToken cancellationToken)
    {
        // A cluster CA Secret that is left in any namespace says that a root once was there.
        foreach (var collection in _namespaces.SelectMany(@namespace => new[]
        {
            AdminClient.Clusters(@namespace), AdminClient.ChartProxies(@namespace), AdminClient.Secrets(@namespace),
            AdminClient.Events(@namespace), AdminClient.Leases(@namespace), AdminClient.Contents(@namespace),
            AdminClient.Machines(@namespace), AdminClient.ReleaseProxies(@namespace),
        }).Concat([AdminClient.ExtensionConfigs, AdminClient.MutatingWebhooks]))
        {
            await ClearAsync(ManagementObjects, collection, cancellationToken);
        }

        await ClearAsync(WorkloadObjects, AdminClient.Secrets("registry-system"), cancellationToken);
    }

    /// <summary>Ends the API servers.</summary>
    public async ValueTask DisposeAsync()
    {
        ManagementObjects.Dispose();
        WorkloadObjects.Dispose();
        await Management.DisposeAsync();
        if (_ownsWorkload)
            await Workload.DisposeAsync();
    }

    private static async Task ClearAsync(AdminClient objects, string collection, CancellationToken cancellationToken)
    {
        foreach (var item in await objects.ListAsync(collection, cancellationToken))
        {
            // An API server puts tokens of service accounts there by itself, and the embedded one collects garbage meanwhile.
            if ((string?)item["type"] != "kubernetes.io/service-account-token")
                await objects.DeleteIfThereAsync(collection, (string)item["metadata"]!["name"]!, cancellationToken);
        }
    }

    /// <summary>A Cluster as its user writes it.</summary>
    public static JsonObject NewCluster(string name) => new()
    {
        ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
        ["kind"] = "Cluster",
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject
        {
            ["clusterNetwork"] = new JsonObject { ["services"] = new JsonObject { ["cidrBlocks"] = new JsonArray("10.128.0.0/12") } },
            ["topology"] = new JsonObject
            {
                ["classRef"] = new JsonObject { ["name"] = "in-memory" },
                ["version"] = "v1.33.0",
                ["variables"] = new JsonArray(new JsonObject
                {
                    ["name"] = "clusterConfig",
                    ["value"] = new JsonObject { ["addons"] = new JsonObject { ["registry"] = new JsonObject() } },
                }),
            },
        },
    };
}
