using System.Net.WebSockets;

namespace CapiRegistryHook.Kubernetes.Forwarding;

/// <summary>
/// One connection to a port of a pod inside a WebSocket. Channel 0 carries data, channel 1 what went wrong at the node; the first two
/// bytes of each repeat the port. One reader and one writer at a time.
/// </summary>
internal sealed class PodPortStream(WebSocket socket, HttpResponseMessage response) : Stream
{
    private const byte DataChannel = 0;
    private const byte ErrorChannel = 1;
    private const int LargestMessage = 16 * 1024;

    private readonly byte[] _incoming = new byte[LargestMessage];
    private readonly byte[] _outgoing = new byte[LargestMessage];

    /// <summary>How many bytes of the port are still to come, by channel.</summary>
    private readonly int[] _portBytes = [sizeof(ushort), sizeof(ushort)];

    /// <summary>The channel of the message that is under way; null between two messages.</summary>
    private byte? _channel;
    private ReadOnlyMemory<byte> _received;
    private bool _ended;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_received.IsEmpty && !_ended)
            _received = await ReceiveAsync(cancellationToken);
        var count = Math.Min(buffer.Length, _received.Length);
        _received[..count].CopyTo(buffer);
        _received = _received[count..];
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _outgoing[0] = DataChannel;
        while (!buffer.IsEmpty)
        {
            var count = Math.Min(buffer.Length, LargestMessage - 1);
            buffer[..count].CopyTo(_outgoing.AsMemory(1));
            await SendAsync(_outgoing.AsMemory(0, count + 1), cancellationToken);
            buffer = buffer[count..];
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            socket.Dispose();
            response.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Takes one part of a message.</summary>
    /// <returns>The data in it, which may be none.</returns>
    private async Task<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellationToken)
    {
        ValueWebSocketReceiveResult part;
        try
        {
            part = await socket.ReceiveAsync(_incoming.AsMemory(), cancellationToken);
        }
        catch (WebSocketException exception)
        {
            throw new IOException("The connection to the pod broke.", exception);
        }

        _ended = part.MessageType == WebSocketMessageType.Close;
        return _ended ? default : TakePart(_incoming.AsMemory(0, part.Count), part.EndOfMessage);
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
            throw new IOException("The server does not speak the protocol of port-forwards.");
        var port = Math.Min(_portBytes[channel], content.Length);
        _portBytes[channel] -= port;
        content = content[port..];
        // The words are the node's own and name addresses; that nobody listens is by far the likeliest.
        if (channel == ErrorChannel && !content.IsEmpty)
            throw new IOException("The pod does not take the connection, or has broken it off.");
        return content;
    }

    private async Task SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        try
        {
            await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
        }
        catch (WebSocketException exception)
        {
            throw new IOException("The connection to the pod broke.", exception);
        }
    }
}
