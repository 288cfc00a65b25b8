using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>
/// A StatefulSet with claims in a real cluster, the product's reconciler, and a release that follows the HelmChartProxy by kubectl, which
/// the real API server refuses where it would refuse Helm.
/// </summary>
internal sealed class GrowingRegistry : IAsyncDisposable
{
    private const string Namespace = "registry-system";

    private static readonly ClusterKey Key = new("default", "c1");
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(120);

    private readonly IWorkloadCluster _cluster;
    private readonly ClusterNamespace _own;
    private readonly TestEnvironment _environment;
    private readonly string _image;
    private readonly string _class;
    private string? _released;

    private GrowingRegistry(IWorkloadCluster cluster, ClusterNamespace own, TestEnvironment environment, string image, string @class) =>
        (_cluster, _own, _environment, _image, _class) = (cluster, own, environment, image, @class);

    private Kubectl Kubectl => new(_cluster.KubeconfigFile);

    /// <param name="cluster">Where the pods run.</param>
    /// <param name="grows">Whether the storage class allows its volumes to grow.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<GrowingRegistry> StartAsync(IWorkloadCluster cluster, bool grows, CancellationToken cancellationToken)
    {
        var image = await cluster.ProvideImageAsync(TestImage.Busybox, cancellationToken);
        var own = await ClusterNamespace.CreateAsync(cluster, Namespace, cancellationToken);
        var environment = await TestEnvironment.StartAsync(
            async name => name == "management"
                ? await EmbeddedApiServer.StartAsync(name, cancellationToken) : new BorrowedServer(cluster), cancellationToken);
        var registry = new GrowingRegistry(cluster, own, environment, image, grows ? "may-grow" : "may-not-grow");
        await registry.Kubectl.ApplyAsync($$"""
            apiVersion: storage.k8s.io/v1
            kind: StorageClass
            metadata: {name: {{registry._class}} }
            provisioner: kubernetes.io/host-path
            allowVolumeExpansion: {{(grows ? "true" : "false")}}
            """, cancellationToken);
        await registry._environment.GiveKubeconfigAsync(await environment.CreateClusterAsync("c1", cancellationToken), cancellationToken);
        await registry.RequestAsync("1Gi", cancellationToken);
        await registry.SettleAsync(cancellationToken);
        await registry.Kubectl.WaitForRolloutAsync(Namespace, "statefulset/registry", Bound, cancellationToken);
        return registry;
    }

    public Task RequestAsync(string size, CancellationToken cancellationToken) => _environment.ManagementObjects.MergePatchAsync(
        AdminClient.Clusters("default"), "c1", JsonNode.Parse($$"""
            {"spec":{"topology":{"variables":[{"name":"clusterConfig","value":{"addons":{"registry":{"storage":{"size":"{{size}}"} } } } }] } } }
            """)!.AsObject(), cancellationToken);

    /// <summary>A reconcile by a process of its own, which is killed at one of its writes or lives.</summary>
    public async Task<ReconcileResult> ReconcileAsync(Func<bool?> kills, CancellationToken cancellationToken)
    {
        var limits = new KubernetesClientOptions
        {
            MaxAttempts = 1, CreateHandler = connection => new LossyHandler(ConnectionHandler.Create(connection), kills),
        };
        var options = new RegistryOptions { HookNamespace = HookService.Namespace, WorkloadAllowCidrs = "127.0.0.0/8" };
        var connection = Kubeconfig.Parse(Encoding.UTF8.GetBytes(_environment.Management.Kubeconfig), null, TimeProvider.System);
        using var process = RegistryLifecycle.Connect(
            connection, limits, options, new TimeAhead(), (_, _, _) => Task.FromResult<ServedResult>(new ServedResult.AllServed()));
        return await process.Fleet.ReconcileAsync(Key, verify: false, cancellationToken);
    }

    /// <summary>The release follows the HelmChartProxy when that has another size.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        var size = await ReleasedSizeAsync(cancellationToken);
        if (size is null || size == _released)
            return;
        await Kubectl.ApplyAsync(StatefulSet(size), cancellationToken);
        _released = size;
    }

    /// <summary>Reconciles, with the release following, until the registry is ready.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        ReconcileResult? result = null;
        await Polling.UntilAsync("the registry is ready", async () =>
        {
            result = await ReconcileAsync(() => null, cancellationToken);
            await FollowAsync(cancellationToken);
            return result.Phase == ClusterPhase.Ready;
        }, () => $"{result?.Phase}: {result?.Reason}", cancellationToken, Bound);
    }

    /// <summary>The sizes that the claims, the StatefulSet and the release have, in one line.</summary>
    public async Task<string> SizesAsync(CancellationToken cancellationToken) => string.Join(' ',
        await PrintAsync("persistentvolumeclaims", "{.items[*].spec.resources.requests.storage}", cancellationToken),
        await PrintAsync("statefulsets", "{.items[*].spec.volumeClaimTemplates[0].spec.resources.requests.storage}", cancellationToken),
        await ReleasedSizeAsync(cancellationToken));

    /// <summary>Which pods run since when, and how often their containers were started anew.</summary>
    public Task<string> PodsAsync(CancellationToken cancellationToken) => PrintAsync(
        "pods", "{range .items[*]}{.metadata.uid} {.status.startTime} {.status.containerStatuses[0].restartCount}{\"\\n\"}{end}",
        cancellationToken);

    /// <summary>True when the StatefulSet that is there now owns both pods.</summary>
    public async Task WaitForAdoptionAsync(CancellationToken cancellationToken)
    {
        await Polling.UntilAsync("the StatefulSet has both pods", async () =>
        {
            var owner = await PrintAsync("statefulsets", "{.items[*].metadata.uid}", cancellationToken);
            var owned = await PrintAsync("pods", "{.items[*].metadata.ownerReferences[0].uid}", cancellationToken);
            return owner.Length > 0 && owned == $"{owner} {owner}";
        }, () => "", cancellationToken, Bound);
        await Kubectl.WaitForRolloutAsync(Namespace, "statefulset/registry", Bound, cancellationToken);
    }

    public async Task<IEnumerable<string>> EventsAsync(CancellationToken cancellationToken) =>
        (await _environment.ManagementObjects.ListAsync(AdminClient.Events("default"), cancellationToken)).Select(
            item => $"{item["reason"]}: {item["note"]}");

    public async ValueTask DisposeAsync()
    {
        await _own.DisposeAsync();
        await Kubectl.RunAsync(CancellationToken.None, "delete", "storageclass", _class, "--ignore-not-found");
        await _environment.DisposeAsync();
    }

    private async Task<string?> ReleasedSizeAsync(CancellationToken cancellationToken)
    {
        var release = await _environment.ManagementObjects.FindAsync(
            AdminClient.ChartProxies("default"), "c1-registry", cancellationToken);
        return InstalledVolumes.SizeOf(InstalledVolumes.Read((string?)release?["spec"]!["valuesTemplate"]));
    }

    private async Task<string> PrintAsync(string kind, string path, CancellationToken cancellationToken) =>
        (await Kubectl.RunAsync(cancellationToken, "--namespace", Namespace, "get", kind, $"--output=jsonpath={path}")).OutputOfSuccess()
            .Trim();

    private string StatefulSet(string size) => $$"""
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: registry, namespace: {{Namespace}} }
        spec:
          replicas: 2
          podManagementPolicy: Parallel
          serviceName: registry-headless
          selector: {matchLabels: {{Labels}} }
          template:
            metadata: {labels: {{Labels}} }
            spec:
              terminationGracePeriodSeconds: 1
              containers:
              - {name: registry, image: "{{_image}}", command: [sleep, "3600"], volumeMounts: [{name: data, mountPath: /data}]}
          volumeClaimTemplates:
          - metadata: {name: data, labels: {{Labels}} }
            spec:
              accessModes: [ReadWriteOnce]
              storageClassName: {{_class}}
              resources: {requests: {storage: {{size}} } }
        """;

    /// <summary>
    /// A StatefulSet and its pods have to be 30 s old before it goes. The garbage collector of a cluster with two pods needs a fraction of
    /// a second, so here they count as that old after 2 s.
    /// </summary>
    private sealed class TimeAhead : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromSeconds(28);
    }

    private const string Labels = "{app.kubernetes.io/instance: registry, app.kubernetes.io/component: registry}";
}
