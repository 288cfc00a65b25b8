using System.Net.Sockets;
using System.Net.WebSockets;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>
/// Connections to a port of a pod over WebSockets, in the form that kubelet has had since 1.5 (v4.channel.k8s.io): each message begins
/// with a channel number, 0 for data and 1 for errors, and the first one on each channel repeats the port.
/// </summary>
internal sealed class PodTunnels(IApiServer server, string path) : IDisposable
{
    private const byte Data = 0;
    private const int LargestMessage = 32 * 1024;

    private readonly HttpMessageInvoker _http = new(AdminHttp.CreateHandler(server));

    /// <summary>
    /// Carries one connection until either side ends its half: there is no other way to tell the pod. A connection that can't be made is
    /// closed, as a pod that refuses does.
    /// </summary>
    public async Task CarryAsync(TcpClient client, CancellationToken cancellationToken)
    {
        using var tunnel = new ClientWebSocket();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await ConnectAsync(tunnel, end.Token);
            await using var stream = client.GetStream();
            await Task.WhenAny(SendAsync(stream, tunnel, end.Token), ReceiveAsync(tunnel, stream, end.Token)).Unwrap();
        }
        catch (Exception exception)
            when (exception is WebSocketException or IOException or OperationCanceledException or HttpRequestException)
        {
            // The connection is over; the client sees it closed.
        }
        finally
        {
            await end.CancelAsync();
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task ConnectAsync(ClientWebSocket tunnel, CancellationToken cancellationToken)
    {
        tunnel.Options.AddSubProtocol("v4.channel.k8s.io");
        tunnel.Options.SetRequestHeader("Authorization", $"Bearer {server.Token}");
        var address = new UriBuilder(new Uri(server.Address, path)) { Scheme = "wss" }.Uri;
        await tunnel.ConnectAsync(address, _http, cancellationToken);
    }

    private static async Task SendAsync(NetworkStream from, ClientWebSocket to, CancellationToken cancellationToken)
    {
        var message = new byte[LargestMessage];
        message[0] = Data;
        while (await from.ReadAsync(message.AsMemory(1), cancellationToken) is > 0 and var count)
            await to.SendAsync(message.AsMemory(0, count + 1), WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
    }

    private static async Task ReceiveAsync(ClientWebSocket from, NetworkStream to, CancellationToken cancellationToken)
    {
        var buffer = new byte[LargestMessage];
        var seen = new HashSet<byte>();
        while (true)
        {
            var (channel, content) = await ReadMessageAsync(from, buffer, cancellationToken);
            if (content is null)
                return;
            if (seen.Add(channel))
                continue; // the port
            if (channel == Data)
                await to.WriteAsync(content.Value, cancellationToken);
            else if (content.Value.Length > 0)
                return; // the pod refused or reset the connection: closing it says so
        }
    }

    private static async Task<(byte Channel, ReadOnlyMemory<byte>? Content)> ReadMessageAsync(
        ClientWebSocket from, byte[] buffer, CancellationToken cancellationToken)
    {
        using var message = new MemoryStream();
        while (true)
        {
            var part = await from.ReceiveAsync(buffer.AsMemory(), cancellationToken);
            if (part.MessageType == WebSocketMessageType.Close)
                return (Data, null);

            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage && message.Length > 0)
                return (message.GetBuffer()[0], message.ToArray().AsMemory(1));
        }
    }
}
