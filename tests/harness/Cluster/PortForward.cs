using System.Net;
using System.Net.Sockets;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>
/// A port of this machine that leads to a pod through the API server, like <c>kubectl port-forward</c>, but with a tunnel for each
/// connection: kubectl gives all up when one is reset, and a Go server behind TLS resets every connection that its client leaves first.
/// skopeo opens a connection for each request, so a push through kubectl breaks off in the middle.
/// </summary>
public sealed class PortForward : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly PodTunnels _tunnels;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;

    private PortForward(TcpListener listener, PodTunnels tunnels)
    {
        _listener = listener;
        _tunnels = tunnels;
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Host and port: 127.0.0.1:12345.</summary>
    public string Authority => $"127.0.0.1:{Port}";

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
    public static PortForward ToPod(IWorkloadCluster cluster, string @namespace, string pod, int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new PortForward(listener, new PodTunnels(cluster, $"/api/v1/namespaces/{@namespace}/pods/{pod}/portforward?ports={port}"));
    }

    /// <summary>Stops listening and ends the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _tunnels.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_end.Token);
                open.RemoveAll(connection => connection.IsCompleted);
                open.Add(_tunnels.CarryAsync(client, _end.Token));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(open);
        }
    }
}
