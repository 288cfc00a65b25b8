using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// Port-forwards of the embedded API server (v4.channel.k8s.io): each leads to a port of this machine that a test names as the pod's.
/// </summary>
internal sealed class PodForwarding
{
    private const string Protocol = "v4.channel.k8s.io";
    private const byte Data = 0;
    private const byte Error = 1;

    private readonly ConcurrentDictionary<(string Namespace, string Pod), int> _ports = new();
    private readonly ConcurrentDictionary<Guid, CancellationTokenSource> _open = new();
    private int _opened;

    /// <summary>Connections so far.</summary>
    public int Opened => Volatile.Read(ref _opened);

    public void Lead(string @namespace, string pod, int localPort) => _ports[(@namespace, pod)] = localPort;

    /// <summary>Breaks all connections, as a lost network does.</summary>
    public void Cut()
    {
        foreach (var connection in _open.Values)
            connection.Cancel();
    }

    /// <summary>Whether the request is a port-forward to a pod that is known.</summary>
    public bool Handles(RequestTarget target) =>
        target is { Subresource: "portforward", Verb: "get" } && _ports.ContainsKey((target.Namespace, target.Name));

    public async Task HandleAsync(HttpContext context, RequestTarget target, CancellationToken stopping)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var id = Guid.NewGuid();
        _open[id] = end;
        Interlocked.Increment(ref _opened);
        try
        {
            byte[] port = [0x88, 0x13];
            using var socket = await context.WebSockets.AcceptWebSocketAsync(Protocol);
            await SendAsync(socket, Data, port, end.Token);
            await SendAsync(socket, Error, port, end.Token);
            await ServeAsync(socket, _ports[(target.Namespace, target.Name)], end.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or WebSocketException or IOException)
        {
            context.Abort();
        }
        finally
        {
            _open.TryRemove(id, out _);
        }
    }

    private static async Task ServeAsync(WebSocket socket, int localPort, CancellationToken cancellationToken)
    {
        using var target = new TcpClient();
        try
        {
            await target.ConnectAsync(IPAddress.Loopback, localPort, cancellationToken);
        }
        catch (SocketException)
        {
            await SendAsync(socket, Error, "nobody listens"u8.ToArray(), cancellationToken);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
            return;
        }

        var stream = target.GetStream();
        await Task.WhenAny(UpAsync(socket, stream, cancellationToken), DownAsync(stream, socket, cancellationToken)).Unwrap();
    }

    private static async Task UpAsync(WebSocket from, NetworkStream to, CancellationToken cancellationToken)
    {
        var buffer = new byte[256 * 1024];
        var isStart = true;
        while (true)
        {
            var part = await from.ReceiveAsync(buffer.AsMemory(), cancellationToken);
            if (part.MessageType == WebSocketMessageType.Close)
                return;
            // Each message begins with its channel.
            var skipped = isStart && part.Count > 0 ? 1 : 0;
            await to.WriteAsync(buffer.AsMemory(skipped, part.Count - skipped), cancellationToken);
            isStart = part.EndOfMessage || (isStart && part.Count == 0);
        }
    }

    private static async Task DownAsync(NetworkStream from, WebSocket to, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        buffer[0] = Data;
        while (await from.ReadAsync(buffer.AsMemory(1), cancellationToken) is > 0 and var count)
            await to.SendAsync(buffer.AsMemory(0, count + 1), WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
    }

    private static Task SendAsync(WebSocket socket, byte channel, byte[] content, CancellationToken cancellationToken) =>
        socket.SendAsync((byte[])[channel, .. content], WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
}
