using System.Net.Sockets;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>
/// A port of this machine that leads to an address as the node sees it. To the address of a Service, each connection goes where
/// kube-proxy sends it, and breaks when its pod does: what <see cref="PortForward"/>, which stays with one pod, can't show.
/// </summary>
public sealed class NodeForward : IAsyncDisposable
{
    private readonly LoopbackListener _listener;
    private readonly ClusterNode _node;
    private readonly string _target;

    private NodeForward(ClusterNode node, string target)
    {
        _node = node;
        _target = target;
        _listener = new LoopbackListener(CarryAsync);
    }

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port => _listener.Port;

    /// <summary>Listens on a free port that leads to a port of a Service.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="namespace">The Service's namespace.</param>
    /// <param name="service">The Service's name.</param>
    /// <param name="port">The name of its port.</param>
    /// <param name="cancellationToken">Ends the look-up.</param>
    public static async Task<NodeForward> ToServiceAsync(
        IWorkloadCluster cluster, string @namespace, string service, string port, CancellationToken cancellationToken)
    {
        using var admin = new AdminClient(cluster);
        var spec = (await admin.GetAsync($"/api/v1/namespaces/{@namespace}/services", service, cancellationToken))["spec"]!;
        var number = spec["ports"]!.AsArray().Single(entry => (string)entry!["name"]! == port)!["port"]!;
        return new NodeForward(cluster.Node, $"{spec["clusterIP"]}:{number}");
    }

    /// <summary>Stops listening and ends the connections.</summary>
    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    /// <summary>kubelet needs socat on every node, so it is there.</summary>
    private async Task CarryAsync(TcpClient client, CancellationToken cancellationToken)
    {
        await using var relay = await _node.StartAsync("socat", "-", $"TCP:{_target},nodelay");
        await using var stream = client.GetStream();
        await Task.WhenAny(
            CopyAsync(stream, relay.Input.BaseStream, cancellationToken),
            CopyAsync(relay.Output.BaseStream, stream, cancellationToken)).Unwrap();
    }

    private static async Task CopyAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await from.ReadAsync(buffer, cancellationToken)) > 0)
        {
            await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            await to.FlushAsync(cancellationToken);
        }
    }
}
