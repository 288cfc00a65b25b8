using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Logins;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery;

/// <summary>A workload cluster of a site: an API server, and the replicas of a registry behind its port-forward.</summary>
internal sealed class SiteCluster : IAsyncDisposable
{
    private const string Namespace = "registry-system";

    private SiteCluster(string name, EmbeddedApiServer api, IReadOnlyList<RealRegistry> replicas)
    {
        Name = name;
        Api = api;
        Replicas = replicas;
    }

    public string Name { get; }

    public EmbeddedApiServer Api { get; }

    public IReadOnlyList<RealRegistry> Replicas { get; }

    /// <summary>What verifies every replica.</summary>
    public string RootPem => string.Concat(Replicas.Select(replica => replica.RootPem));

    public static async Task<SiteCluster> StartAsync(
        string name, int replicas, RegistryLogin? login, bool deletes, CancellationToken cancellationToken)
    {
        var api = await EmbeddedApiServer.StartAsync(name, cancellationToken);
        var registries = await Task.WhenAll(Enumerable.Range(0, replicas).Select(_ =>
            RealRegistry.StartAsync(cancellationToken, login, deletes)));
        for (var ordinal = 0; ordinal < replicas; ordinal++)
            api.LeadPod(Namespace, $"registry-{ordinal}", registries[ordinal].Port);
        using var admin = new AdminClient(api);
        await admin.CreateAsync("/api/v1/namespaces", Named(Namespace), cancellationToken);
        var stateful = Named("registry");
        stateful["spec"] = new JsonObject { ["replicas"] = replicas };
        await admin.CreateAsync($"/apis/apps/v1/namespaces/{Namespace}/statefulsets", stateful, cancellationToken);
        var service = Named("registry-primary");
        service["spec"] =
            new JsonObject { ["selector"] = new JsonObject { ["statefulset.kubernetes.io/pod-name"] = "registry-0" } };
        await admin.CreateAsync($"/api/v1/namespaces/{Namespace}/services", service, cancellationToken);
        return new SiteCluster(name, api, registries);
    }

    /// <summary>Puts a replica on a node whose kubelet has measured its volume.</summary>
    public async Task MeasureAsync(string pod, long free, CancellationToken cancellationToken)
    {
        using var admin = new AdminClient(Api);
        var replica = Named(pod);
        replica["metadata"]!["labels"] = new JsonObject
        {
            ["app.kubernetes.io/instance"] = "registry", ["app.kubernetes.io/component"] = "registry",
        };
        replica["spec"] = new JsonObject { ["nodeName"] = "node-1" };
        await admin.CreateAsync($"/api/v1/namespaces/{Namespace}/pods", replica, cancellationToken);
        var summary = $$"""
            {"pods":[{"podRef":{"name":"{{pod}}","namespace":"{{Namespace}}"},
              "volume":[{"name":"data","capacityBytes":1000000000,"availableBytes":{{free}} }]}]}
            """;
        Api.InjectFault(call => call is { Resource: "nodes", Name: "node-1", Subresource: "proxy/stats/summary" }
            ? Fault.Raw(200, "application/json", summary) : null);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in Replicas)
            await replica.DisposeAsync();
        await Api.DisposeAsync();
    }

    private static JsonObject Named(string name) => new() { ["metadata"] = new JsonObject { ["name"] = name } };
}
