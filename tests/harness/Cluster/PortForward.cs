using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>
/// A port of this machine that leads to a pod through the API server, like <c>kubectl port-forward</c>, but with a tunnel for each
/// connection: kubectl gives all up when one is reset, and a Go server behind TLS resets every connection that its client leaves first.
/// skopeo opens a connection for each request, so a push through kubectl breaks off in the middle.
/// </summary>
public sealed class PortForward : IAsyncDisposable
{
    private readonly LoopbackListener _listener;
    private readonly PodTunnels _tunnels;

    private PortForward(PodTunnels tunnels)
    {
        _tunnels = tunnels;
        _listener = new LoopbackListener(tunnels.CarryAsync);
    }

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port => _listener.Port;

    /// <summary>Host and port: 127.0.0.1:12345.</summary>
    public string Authority => _listener.Authority;

    /// <summary>Listens on a free port that leads to one ready pod of a Service, as kubectl chooses it.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="namespace">The Service's namespace.</param>
    /// <param name="service">The Service; its first port is used.</param>
    /// <param name="cancellationToken">Ends the look-up.</param>
    public static async Task<PortForward> ToServiceAsync(
        IWorkloadCluster cluster, string @namespace, string service, CancellationToken cancellationToken)
    {
        using var admin = new AdminClient(cluster);
        var endpoints = await admin.GetAsync($"/api/v1/namespaces/{@namespace}/endpoints", service, cancellationToken);
        var ready = endpoints["subsets"]?.AsArray().FirstOrDefault(subset => subset!["addresses"] is not null)
            ?? throw new InvalidOperationException($"The Service {@namespace}/{service} has no ready pod.");
        return ToPod(cluster, @namespace, (string)ready["addresses"]![0]!["targetRef"]!["name"]!, (int)ready["ports"]![0]!["port"]!);
    }

    /// <summary>Listens on a free port that leads to a port of a pod.</summary>
    public static PortForward ToPod(IWorkloadCluster cluster, string @namespace, string pod, int port) =>
        new(new PodTunnels(cluster, $"/api/v1/namespaces/{@namespace}/pods/{pod}/portforward?ports={port}"));

    /// <summary>Stops listening and ends the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        _tunnels.Dispose();
    }
}
