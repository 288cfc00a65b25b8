using System.Net.Sockets;
using System.Net.WebSockets;
using CapiRegistryHook.Kubernetes.Client;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Forwarding;

/// <summary>What the API server and the node do of a port-forward: the WebSocket, its channels, and the connection in the pod.</summary>
internal static class NodeSide
{
    public const string Protocol = "v4.channel.k8s.io";

    public const byte Data = 0;
    public const byte Error = 1;

    private static readonly byte[] Port = [0x88, 0x13];

    /// <summary>A server that forwards ports in WebSockets alone.</summary>
    public static Task<ClientFixture> StartAsync(
        Func<HttpContext, int, Task> answer, KubernetesClientOptions? options = null, TimeProvider? time = null) =>
        ClientFixture.StartAsync(
            (context, count) => HttpMethods.IsPost(context.Request.Method)
                ? context.StatusAsync(400, "BadRequest", "Upgrade request required") : answer(context, count), options, time);

    /// <summary>Accepts, and repeats the port on both channels, as the kubelet does first.</summary>
    public static async Task<WebSocket> AcceptForwardAsync(this HttpContext context)
    {
        var socket = await context.WebSockets.AcceptWebSocketAsync(Protocol);
        await socket.SendAsync(Data, Port);
        await socket.SendAsync(Error, Port);
        return socket;
    }

    public static Task SendAsync(this WebSocket socket, byte channel, ReadOnlySpan<byte> content)
    {
        byte[] message = [channel, .. content];
        return socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
    }

    /// <summary>The data of one whole message; null when the other side has gone.</summary>
    public static async Task<byte[]?> ReceiveAsync(this WebSocket socket)
    {
        using MemoryStream message = new();
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer, CancellationToken.None);
                if (part.MessageType == WebSocketMessageType.Close)
                    return null;
                message.Write(buffer, 0, part.Count);
                if (part.EndOfMessage)
                    return message.ToArray()[1..];
            }
        }
        catch (WebSocketException)
        {
            return null;
        }
    }

    /// <summary>Leads the forwarded connection to a port of this machine until either side ends it.</summary>
    public static async Task ForwardToAsync(this HttpContext context, int port)
    {
        using var socket = await context.AcceptForwardAsync();
        using TcpClient target = new();
        await target.ConnectAsync("127.0.0.1", port);
        var stream = target.GetStream();
        await Task.WhenAny(UpAsync(socket, stream), DownAsync(stream, socket)).Unwrap();
    }

    private static async Task UpAsync(WebSocket from, NetworkStream to)
    {
        while (await from.ReceiveAsync() is { } data)
            await to.WriteAsync(data);
    }

    private static async Task DownAsync(NetworkStream from, WebSocket to)
    {
        var buffer = new byte[700];
        try
        {
            while (await from.ReadAsync(buffer) is > 0 and var count)
                await to.SendAsync(Data, buffer.AsSpan(0, count));
        }
        catch (Exception exception) when (exception is IOException or WebSocketException)
        {
            // The connection is over.
        }
    }
}
