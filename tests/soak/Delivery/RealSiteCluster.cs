using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Soak.Tests.Delivery;

/// <summary>A workload cluster with a real API server and a real registry; the node between them forwards ports and does nothing
/// else.</summary>
internal sealed class RealSiteCluster : IAsyncDisposable
{
    private const string Namespace = "registry-system";
    private const string Node = "node-1";

    private RealSiteCluster(RealApiServer api, ForwardingKubelet kubelet, RealRegistry registry) =>
        (Api, Kubelet, Registry) = (api, kubelet, registry);

    public RealApiServer Api { get; }

    public ForwardingKubelet Kubelet { get; }

    public RealRegistry Registry { get; }

    public static async Task<RealSiteCluster> StartAsync(string name, CancellationToken cancellationToken)
    {
        var binaries = await KubernetesBinaries.EnsureAsync(Console.Error, cancellationToken);
        var cluster = new RealSiteCluster(await RealApiServer.StartAsync(name, binaries, cancellationToken),
            await ForwardingKubelet.StartAsync(cancellationToken), await RealRegistry.StartAsync(cancellationToken));
        cluster.Kubelet.Lead(Namespace, "registry-0", cluster.Registry.Port);
        using var admin = new AdminClient(cluster.Api);
        foreach (var (collection, json) in cluster.Objects())
            await admin.CreateAsync(collection, JsonNode.Parse(json)!.AsObject(), cancellationToken);
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Kubelet.DisposeAsync();
        await Registry.DisposeAsync();
    }

    private IEnumerable<(string Collection, string Json)> Objects() =>
    [
        ("/api/v1/namespaces", $$"""{"metadata":{"name":"{{Namespace}}"} }"""),
        ("/api/v1/nodes", $$"""
            {"metadata":{"name":"{{Node}}"},"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"}],
              "daemonEndpoints":{"kubeletEndpoint":{"Port":{{Kubelet.Port}} } } } }
            """),
        ($"/api/v1/namespaces/{Namespace}/serviceaccounts", """{"metadata":{"name":"default"}}"""),
        ($"/api/v1/namespaces/{Namespace}/pods", $$"""
            {"metadata":{"name":"registry-0"},"spec":{"nodeName":"{{Node}}","automountServiceAccountToken":false,
              "containers":[{"name":"registry","image":"registry"}]} }
            """),
        ($"/apis/apps/v1/namespaces/{Namespace}/statefulsets", """
            {"metadata":{"name":"registry"},"spec":{"replicas":1,"serviceName":"registry","selector":{"matchLabels":{"app":"registry"}},
              "template":{"metadata":{"labels":{"app":"registry"}},"spec":{"containers":[{"name":"registry","image":"registry"}]}}}}
            """),
        ($"/api/v1/namespaces/{Namespace}/services", """
            {"metadata":{"name":"registry-primary"},"spec":{"selector":{"statefulset.kubernetes.io/pod-name":"registry-0"},
              "ports":[{"port":443}]}}
            """),
    ];
}
