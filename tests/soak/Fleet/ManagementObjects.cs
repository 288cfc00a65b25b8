using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>What users, Cluster API and its providers write into a management cluster.</summary>
internal sealed class ManagementObjects(InProcessApi server) : IDisposable
{
    public const string HookNamespace = "capi-registry-hook-system";

    private const string ClusterLabel = "cluster.x-k8s.io/cluster-name";

    /// <summary>Seven of them are more than a client of the simulation reads at once.</summary>
    private const int FatBytes = 40 * 1024;

    private static readonly string[] RootSecrets = ["registry-addon-root-ca", "registry-addon-root-ca-next"];

    private readonly AdminClient _admin = new(server);

    public async Task CreateClusterAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        var json = TestEnvironment.NewCluster(cluster.Name);
        if (cluster.IsFat)
            json["metadata"]!["annotations"] = new JsonObject { ["example.com/notes"] = new string('n', FatBytes) };
        await _admin.CreateAsync(AdminClient.Clusters(cluster.Key.Namespace), json, cancellationToken);
        if (cluster.HasForeignRelease)
            await _admin.CreateAsync(AdminClient.ChartProxies(cluster.Key.Namespace), ForeignRelease(cluster), cancellationToken);
    }

    public Task GiveKubeconfigAsync(SimulatedCluster cluster, string anyAuthority, CancellationToken cancellationToken)
    {
        var kubeconfig = KubeconfigText.Write(cluster.Name, cluster.Api.Address, anyAuthority, cluster.Api.Token);
        return _admin.CreateAsync(AdminClient.Secrets(cluster.Key.Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = $"{cluster.Name}-kubeconfig", ["labels"] = LabelsOf(cluster) },
            ["data"] = new JsonObject { ["value"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(kubeconfig)) },
        }, cancellationToken);
    }

    public Task AddMachineAsync(SimulatedCluster cluster, string name, CancellationToken cancellationToken) =>
        _admin.CreateAsync(Machines(cluster), new JsonObject
        {
            ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
            ["kind"] = "Machine",
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = LabelsOf(cluster) },
            ["spec"] = new JsonObject(),
        }, cancellationToken);

    public Task RemoveMachineAsync(SimulatedCluster cluster, string name, CancellationToken cancellationToken) =>
        _admin.DeleteIfThereAsync(Machines(cluster), name, cancellationToken);

    public Task<JsonObject?> FindReleaseAsync(SimulatedCluster cluster, CancellationToken cancellationToken) =>
        _admin.FindAsync(AdminClient.ChartProxies(cluster.Key.Namespace), cluster.Release, cancellationToken);

    public async Task<string> TrustAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        var secret = await _admin.GetAsync(
            AdminClient.Secrets(cluster.Key.Namespace), $"{cluster.Name}-registry-addon-ca", cancellationToken);
        return Encoding.ASCII.GetString(Convert.FromBase64String((string)secret["data"]!["ca.crt"]!));
    }

    /// <summary>As Cluster API sends it with a hook.</summary>
    public async Task<Cluster> ReadAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        var json = await _admin.GetAsync(AdminClient.Clusters(cluster.Key.Namespace), cluster.Name, cancellationToken);
        return Cluster.Read(JsonSerializer.SerializeToElement(json));
    }

    public Task PatchClusterAsync(SimulatedCluster cluster, JsonObject patch, CancellationToken cancellationToken) =>
        _admin.MergePatchAsync(AdminClient.Clusters(cluster.Key.Namespace), cluster.Name, patch, cancellationToken);

    public Task PauseAsync(SimulatedCluster cluster, bool paused, CancellationToken cancellationToken) =>
        PatchClusterAsync(cluster, new JsonObject { ["spec"] = new JsonObject { ["paused"] = paused } }, cancellationToken);

    /// <summary>A Cluster with a finalizer stays and is being deleted.</summary>
    public Task BeginDeletionAsync(SimulatedCluster cluster, CancellationToken cancellationToken) =>
        _admin.DeleteIfThereAsync(AdminClient.Clusters(cluster.Key.Namespace), cluster.Name, cancellationToken);

    /// <summary>The Cluster goes, and with it all that is its own, as the garbage collector sees to it.</summary>
    public async Task DeleteAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        await PatchClusterAsync(
            cluster, new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = null } }, cancellationToken);
        await BeginDeletionAsync(cluster, cancellationToken);
        foreach (var (collection, name) in await BelongingsAsync(cluster, cancellationToken))
            await _admin.DeleteIfThereAsync(collection, name, cancellationToken);
    }

    /// <summary>The names of all Clusters, HelmChartProxies, Machines and Secrets in the namespaces of users.</summary>
    public async Task<IReadOnlyList<string>> NamesAsync(CancellationToken cancellationToken)
    {
        var names = new List<string>();
        foreach (var collection in SimulatedWorld.Namespaces.SelectMany(Collections))
            names.AddRange((await _admin.ListAsync(collection, cancellationToken)).Select(item => (string)item["metadata"]!["name"]!));
        return names;
    }

    /// <summary>The objects of a cluster arrive here under new uids and without their status, as <c>clusterctl move</c> does it.</summary>
    public async Task TakeOverAsync(SimulatedCluster cluster, ManagementObjects from, CancellationToken cancellationToken)
    {
        var clusters = AdminClient.Clusters(cluster.Key.Namespace);
        var created = await _admin.CreateAsync(
            clusters, Bare(await from._admin.GetAsync(clusters, cluster.Name, cancellationToken)), cancellationToken);
        foreach (var (collection, name) in await from.BelongingsAsync(cluster, cancellationToken))
        {
            var json = Bare(await from._admin.GetAsync(collection, name, cancellationToken));
            foreach (var owner in (json["metadata"]!["ownerReferences"] as JsonArray ?? []).Where(
                owner => (string?)owner!["kind"] == "Cluster"))
                owner!["uid"] = (string)created["metadata"]!["uid"]!;
            await _admin.CreateAsync(collection, json, cancellationToken);
        }

        await from.DeleteAsync(cluster, cancellationToken);
        await PauseAsync(cluster, false, cancellationToken);
    }

    /// <summary>The root CA, which no <c>clusterctl move</c> carries.</summary>
    public async Task CopyRootAsync(ManagementObjects from, CancellationToken cancellationToken)
    {
        var secrets = AdminClient.Secrets(HookNamespace);
        foreach (var name in RootSecrets)
        {
            if (await from._admin.FindAsync(secrets, name, cancellationToken) is { } secret)
                await _admin.CreateAsync(secrets, Bare(secret), cancellationToken);
        }
    }

    /// <summary>The certificate of the root, as PEM.</summary>
    public async Task<string> RootAsync(CancellationToken cancellationToken)
    {
        var secret = await _admin.GetAsync(AdminClient.Secrets(HookNamespace), RootSecrets[0], cancellationToken);
        return Encoding.ASCII.GetString(Convert.FromBase64String((string)secret["data"]!["tls.crt"]!));
    }

    public Task AnnotateRootAsync(string annotation, string value, CancellationToken cancellationToken) => _admin.MergePatchAsync(
        AdminClient.Secrets(HookNamespace), RootSecrets[0],
        new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [annotation] = value } } }, cancellationToken);

    /// <summary>A real API server forgets Events after an hour.</summary>
    public async Task ForgetEventsAsync(CancellationToken cancellationToken)
    {
        foreach (var collection in SimulatedWorld.Namespaces.Select(AdminClient.Events))
        {
            foreach (var item in await _admin.ListAsync(collection, cancellationToken))
                await _admin.DeleteIfThereAsync(collection, (string)item["metadata"]!["name"]!, cancellationToken);
        }
    }

    public void Dispose() => _admin.Dispose();

    private static JsonObject ForeignRelease(SimulatedCluster cluster) => new()
    {
        ["apiVersion"] = "addons.cluster.x-k8s.io/v1alpha1",
        ["kind"] = "HelmChartProxy",
        ["metadata"] = new JsonObject { ["name"] = cluster.Release },
        ["spec"] = new JsonObject
        {
            ["clusterSelector"] = new JsonObject(), ["repoURL"] = "https://charts.example.com", ["chartName"] = "somebody-elses",
        },
    };

    private static JsonObject LabelsOf(SimulatedCluster cluster) => new() { [ClusterLabel] = cluster.Name };

    private static string Machines(SimulatedCluster cluster) => MachinesIn(cluster.Key.Namespace);

    private static string MachinesIn(string @namespace) => $"/apis/cluster.x-k8s.io/v1beta2/namespaces/{@namespace}/machines";

    private static IEnumerable<string> Collections(string @namespace) =>
        [AdminClient.Clusters(@namespace), AdminClient.ChartProxies(@namespace), MachinesIn(@namespace), AdminClient.Secrets(@namespace)];

    /// <summary>By label or owner, the Cluster itself left out.</summary>
    private async Task<List<(string Collection, string Name)>> BelongingsAsync(
        SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        var found = new List<(string, string)>();
        foreach (var collection in Collections(cluster.Key.Namespace).Skip(1))
        {
            foreach (var metadata in (await _admin.ListAsync(collection, cancellationToken)).Select(item => item["metadata"]!))
            {
                if ((string?)(metadata["labels"] as JsonObject)?[ClusterLabel] == cluster.Name
                    || (metadata["ownerReferences"] as JsonArray ?? []).Any(owner => (string?)owner!["name"] == cluster.Name))
                    found.Add((collection, (string)metadata["name"]!));
            }
        }

        return found;
    }

    /// <summary>What can be created elsewhere.</summary>
    private static JsonObject Bare(JsonObject json)
    {
        var bare = json.DeepClone().AsObject();
        bare.Remove("status");
        foreach (var field in new[] { "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields" })
            bare["metadata"]!.AsObject().Remove(field);
        return bare;
    }
}
