using System.Buffers;
using System.IO.Pipelines;

namespace CapiRegistryHook.Kubernetes.Forwarding;

/// <summary>One connection to a port of a pod as a stream. One reader and one writer at a time.</summary>
internal sealed class PodPortStream : Stream
{
    /// <summary>
    /// Data in one message. Each message costs the API server, the kubelet and the container runtime a step, so 16 KiB (what TLS inside of
    /// the connection writes at once) halve the throughput; more than this gains nothing.
    /// </summary>
    internal const int LargestMessage = 128 * 1024;

    private const int WrittenAtOnce = 64 * 1024;

    /// <summary>A peer that takes nothing more holds a disposal no longer than this.</summary>
    private static readonly TimeSpan LongestDrain = TimeSpan.FromSeconds(2);

    private readonly IPortConnection _connection;
    private readonly TimeProvider _time;

    /// <summary>
    /// What is written and not sent. While one message is on its way, what is written meanwhile gathers here and becomes the next one: an
    /// idle connection delays nothing, a busy one sends large messages.
    /// </summary>
    private readonly Pipe _outgoing = new(new PipeOptions(
        pauseWriterThreshold: 2 * LargestMessage, resumeWriterThreshold: LargestMessage, minimumSegmentSize: WrittenAtOnce,
        useSynchronizationContext: false));

    private readonly Task _sending;

    private ReadOnlyMemory<byte> _received;
    private bool _ended;

    /// <param name="connection">The connection; it is freed with the stream.</param>
    /// <param name="time">The clock.</param>
    public PodPortStream(IPortConnection connection, TimeProvider time)
    {
        (_connection, _time) = (connection, time);
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
            _connection.Dispose();
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
            await _connection.FinishAsync();
            while (!_ended)
                await ReceiveAsync(CancellationToken.None);
        }
        catch (Exception exception) when (PortFaults.IsBroken(exception) || exception is InvalidOperationException)
        {
            // It broke, or a read is still outstanding, which takes what comes.
        }
    }

    /// <summary>Takes what comes next.</summary>
    /// <returns>The data in it, which may be none.</returns>
    private async Task<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellationToken)
    {
        var received = await _connection.ReceiveAsync(cancellationToken);
        _ended = received is null;
        return received ?? default;
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
        catch (Exception exception) when (PortFaults.IsBroken(exception))
        {
            failure = PortFaults.Broken(exception);
        }

        // The next write throws it.
        await _outgoing.Reader.CompleteAsync(failure);
    }

    private async Task SendAsync(ReadOnlySequence<byte> content)
    {
        var length = _connection.HeadSize + (int)content.Length;
        var message = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            content.CopyTo(message.AsSpan(_connection.HeadSize));
            await _connection.SendAsync(message.AsMemory(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }
}
