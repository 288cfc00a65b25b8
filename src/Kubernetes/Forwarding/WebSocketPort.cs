using System.Net.WebSockets;

namespace CapiRegistryHook.Kubernetes.Forwarding;

/// <summary>
/// A port of a pod in a WebSocket. Channel 0 carries data, channel 1 what went wrong at the node; the first two bytes of each repeat the
/// port.
/// </summary>
internal sealed class WebSocketPort(WebSocket socket, HttpResponseMessage response) : IPortConnection
{
    private const byte DataChannel = 0;
    private const byte ErrorChannel = 1;
    private const int ReceivedAtOnce = 32 * 1024;

    private readonly byte[] _incoming = new byte[ReceivedAtOnce];

    /// <summary>How many bytes of the port are still to come, by channel.</summary>
    private readonly int[] _portBytes = [sizeof(ushort), sizeof(ushort)];

    /// <summary>The channel of the message that is being received; null between two messages.</summary>
    private byte? _channel;

    public int HeadSize => 1;

    // One frame per message: servers take each frame of a fragmented message for a message of its own (golang.org/x/net/websocket).
    public Task SendAsync(Memory<byte> message)
    {
        message.Span[0] = DataChannel;
        return socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None).AsTask();
    }

    public Task FinishAsync() => socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);

    public async Task<ReadOnlyMemory<byte>?> ReceiveAsync(CancellationToken cancellationToken)
    {
        var part = await PortFaults.ReceivedAsync(socket.ReceiveAsync(_incoming.AsMemory(), cancellationToken).AsTask(), cancellationToken);
        if (part.MessageType == WebSocketMessageType.Close)
            return null;
        return TakePart(_incoming.AsMemory(0, part.Count), part.EndOfMessage);
    }

    public void Dispose()
    {
        socket.Dispose();
        response.Dispose();
    }

    private ReadOnlyMemory<byte> TakePart(ReadOnlyMemory<byte> part, bool isLast)
    {
        if (_channel is null && !part.IsEmpty)
        {
            _channel = part.Span[0];
            part = part[1..];
        }

        var channel = _channel ?? DataChannel;
        if (isLast)
            _channel = null;
        return TakeContent(channel, part);
    }

    private ReadOnlyMemory<byte> TakeContent(byte channel, ReadOnlyMemory<byte> content)
    {
        if (channel > ErrorChannel)
            throw PortFaults.OfProtocol();
        var port = Math.Min(_portBytes[channel], content.Length);
        _portBytes[channel] -= port;
        content = content[port..];
        return channel == ErrorChannel && !content.IsEmpty ? throw PortFaults.OfPod() : content;
    }
}
