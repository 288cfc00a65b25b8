using System.Buffers.Binary;
using CapiRegistryHook.Kubernetes.Client;

namespace CapiRegistryHook.Kubernetes.Forwarding;

/// <summary>A port of a pod in SPDY/3.1, on a connection of its own. A ping is answered by the node, so silence after one means that the
/// way there is broken.</summary>
internal sealed class SpdyPort(Stream connection, HttpResponseMessage response, KubernetesClientOptions options, TimeProvider time)
    : IPortConnection
{
    private const int ReceivedAtOnce = 32 * 1024;

    private readonly byte[] _incoming = new byte[ReceivedAtOnce];

    /// <summary>The head of the frame that is being received, as far as it is there.</summary>
    private readonly byte[] _head = new byte[SpdyFrames.HeadSize];

    private readonly SemaphoreSlim _writing = new(1);
    private ReadOnlyMemory<byte> _unread;
    private int _headLength;

    /// <summary>Bytes of the frame that are still to come.</summary>
    private int _left;

    private uint _pings = 1;

    public int HeadSize => SpdyFrames.HeadSize;

    private bool HasHead => _headLength == SpdyFrames.HeadSize;

    private uint Start => BinaryPrimitives.ReadUInt32BigEndian(_head);

    private bool IsFinal => Start == SpdyFrames.DataStream && (_head[4] & SpdyFrames.Final) != 0;

    /// <summary>Opens the streams; the answers to that come with the first data.</summary>
    public Task OpenAsync(int port, CancellationToken cancellationToken) =>
        connection.WriteAsync(SpdyFrames.Open(port), cancellationToken).AsTask();

    public Task SendAsync(Memory<byte> message)
    {
        SpdyFrames.WriteDataHead(message.Span, SpdyFrames.DataStream, message.Length - SpdyFrames.HeadSize);
        return WriteAsync(message);
    }

    public Task FinishAsync()
    {
        var head = new byte[SpdyFrames.HeadSize];
        SpdyFrames.WriteDataHead(head, SpdyFrames.DataStream, 0, SpdyFrames.Final);
        return WriteAsync(head);
    }

    public async Task<ReadOnlyMemory<byte>?> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (HasHead && _left == 0)
        {
            if (IsFinal)
                return null;
            _headLength = 0;
        }

        if (_unread.IsEmpty)
            _unread = _incoming.AsMemory(0, await ReadAsync(cancellationToken));
        if (_unread.IsEmpty)
            return null;
        return Take();
    }

    public void Dispose()
    {
        connection.Dispose();
        response.Dispose();
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> frame)
    {
        await _writing.WaitAsync();
        try
        {
            await connection.WriteAsync(frame);
        }
        finally
        {
            _writing.Release();
        }
    }

    // Only a read that is under way can tell silence from a reader who takes nothing.
    private async Task<int> ReadAsync(CancellationToken cancellationToken)
    {
        var read = PortFaults.ReceivedAsync(connection.ReadAsync(_incoming, cancellationToken).AsTask(), cancellationToken);
        try
        {
            return await read.WaitAsync(options.ForwardPingInterval, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            _ = PingAsync();
        }

        try
        {
            return await read.WaitAsync(options.ForwardPongTimeout, time, cancellationToken);
        }
        catch (TimeoutException exception)
        {
            Dispose();
            throw PortFaults.Silent(options.ForwardPingInterval + options.ForwardPongTimeout, exception);
        }
    }

    // Not waited for: it may have to queue behind a write that the dead peer holds up.
    private async Task PingAsync()
    {
        try
        {
            await WriteAsync(SpdyFrames.Echo(_pings));
            _pings += 2;
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The read says so.
        }
    }

    private ReadOnlyMemory<byte> Take()
    {
        if (!HasHead)
            TakeHead();
        if (!HasHead)
            return default;
        var content = _unread[..Math.Min(_left, _unread.Length)];
        _unread = _unread[content.Length..];
        _left -= content.Length;
        return Start switch
        {
            SpdyFrames.DataStream => content,
            SpdyFrames.ErrorStream when !content.IsEmpty => throw PortFaults.OfPod(),
            _ => default,
        };
    }

    private void TakeHead()
    {
        var part = _unread[..Math.Min(SpdyFrames.HeadSize - _headLength, _unread.Length)];
        part.CopyTo(_head.AsMemory(_headLength));
        _unread = _unread[part.Length..];
        _headLength += part.Length;
        if (!HasHead)
            return;
        _left = (int)(BinaryPrimitives.ReadUInt32BigEndian(_head.AsSpan(4)) & SpdyFrames.LengthMask);
        if ((Start & SpdyFrames.ControlBit) != 0)
            CheckControl((ushort)(Start >> 16 & 0x7fff), (ushort)Start);
        else if (Start is not (SpdyFrames.DataStream or SpdyFrames.ErrorStream))
            throw PortFaults.OfProtocol();
    }

    // Answers to the opening and to pings, and what else a server says, change nothing.
    private static void CheckControl(ushort version, ushort type)
    {
        if (version != SpdyFrames.Version)
            throw PortFaults.OfProtocol();
        if (type == SpdyFrames.Reset)
            throw PortFaults.Broken();
    }
}
