using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;

namespace CapiRegistryHook.Kubernetes.Forwarding;

/// <summary>
/// One connection to a port of a pod inside a WebSocket. Channel 0 carries data, channel 1 what went wrong at the node; the first two
/// bytes of each repeat the port. One reader and one writer at a time.
/// </summary>
internal sealed class PodPortStream : Stream
{
    private const byte DataChannel = 0;
    private const byte ErrorChannel = 1;
    private const int ReceivedAtOnce = 32 * 1024;

    /// <summary>
    /// Data in one message. Each message costs the API server, the kubelet and the container runtime a step, so 16 KiB (what TLS inside of
    /// the connection writes at once) halve the throughput; more than this gains nothing.
    /// </summary>
    internal const int LargestMessage = 128 * 1024;

    private const int WrittenAtOnce = 64 * 1024;

    /// <summary>A peer that takes nothing more holds a disposal no longer than this.</summary>
    private static readonly TimeSpan LongestDrain = TimeSpan.FromSeconds(2);

    private readonly WebSocket _socket;
    private readonly HttpResponseMessage _response;
    private readonly TimeProvider _time;
    private readonly byte[] _incoming = new byte[ReceivedAtOnce];

    /// <summary>
    /// What is written and not sent. While one message is on its way, what is written meanwhile gathers here and becomes the next one: an
    /// idle connection delays nothing, a busy one sends large messages.
    /// </summary>
    private readonly Pipe _outgoing = new(new PipeOptions(
        pauseWriterThreshold: 2 * LargestMessage, resumeWriterThreshold: LargestMessage, minimumSegmentSize: WrittenAtOnce,
        useSynchronizationContext: false));

    private readonly Task _sending;

    /// <summary>How many bytes of the port are still to come, by channel.</summary>
    private readonly int[] _portBytes = [sizeof(ushort), sizeof(ushort)];

    /// <summary>The channel of the message that is being received; null between two messages.</summary>
    private byte? _channel;
    private ReadOnlyMemory<byte> _received;
    private bool _ended;

    public PodPortStream(WebSocket socket, HttpResponseMessage response, TimeProvider time)
    {
        (_socket, _response, _time) = (socket, response, time);
        _sending = SendAllAsync();
    }

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

    /// <summary>Hands over what is to be sent; waits only while more than two messages are unsent.</summary>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            var count = Math.Min(buffer.Length, WrittenAtOnce);
            var flushed = await _outgoing.Writer.WriteAsync(buffer[..count], cancellationToken);
            if (flushed.IsCompleted)
                throw new IOException("The connection to the pod has ended.");
            buffer = buffer[count..];
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    // What is written is sent without delay, so there is nothing to flush.
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Sends what was written before it ends the connection, for two seconds at most.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _outgoing.Writer.CompleteAsync();
        try
        {
            await FinishAsync().WaitAsync(LongestDrain, _time);
        }
        catch (TimeoutException)
        {
            // The peer takes nothing, or does not close its side.
        }

        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _outgoing.Writer.Complete();
            _socket.Dispose();
            _response.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>
    /// Sends the rest, says that it was all, and reads until the peer closes: a connection that is closed with unread data in it is reset,
    /// and a reset discards what the peer has not read yet.
    /// </summary>
    private async Task FinishAsync()
    {
        await _sending;
        try
        {
            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            while (!_ended)
                await ReceiveAsync(CancellationToken.None);
        }
        catch (Exception exception) when (IsBroken(exception) || exception is InvalidOperationException)
        {
            // It broke, or a read is still outstanding, which takes what comes.
        }
    }

    private static bool IsBroken(Exception exception) =>
        exception is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException;

    private static IOException Broken(Exception exception) => new("The connection to the pod broke.", exception);

    /// <summary>Takes one part of a message.</summary>
    /// <returns>The data in it, which may be none.</returns>
    private async Task<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellationToken)
    {
        ValueWebSocketReceiveResult part;
        try
        {
            part = await _socket.ReceiveAsync(_incoming.AsMemory(), cancellationToken);
        }
        catch (Exception exception) when (IsBroken(exception) && !cancellationToken.IsCancellationRequested)
        {
            throw Broken(exception);
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
            throw new IOException("The server does not speak the port-forward protocol.");
        var port = Math.Min(_portBytes[channel], content.Length);
        _portBytes[channel] -= port;
        content = content[port..];
        // The node's own words name addresses; by far the likeliest cause is that nobody listens.
        if (channel == ErrorChannel && !content.IsEmpty)
            throw new IOException("The pod refused the connection or closed it.");
        return content;
    }

    private async Task SendAllAsync()
    {
        IOException? failure = null;
        try
        {
            while (await _outgoing.Reader.ReadAsync() is { Buffer: var unsent } && !unsent.IsEmpty)
            {
                var content = unsent.Slice(0, Math.Min(unsent.Length, LargestMessage));
                await SendAsync(content);
                _outgoing.Reader.AdvanceTo(content.End);
            }
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            failure = Broken(exception);
        }

        // The next write throws it.
        await _outgoing.Reader.CompleteAsync(failure);
    }

    // One frame per message: servers take each frame of a fragmented message for a message of its own (golang.org/x/net/websocket).
    private async Task SendAsync(ReadOnlySequence<byte> content)
    {
        var message = ArrayPool<byte>.Shared.Rent((int)content.Length + 1);
        try
        {
            message[0] = DataChannel;
            content.CopyTo(message.AsSpan(1));
            await _socket.SendAsync(
                message.AsMemory(0, (int)content.Length + 1), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }
}
