namespace CapiRegistryHook.Content.Registries;

/// <summary>Ends a call that makes no progress, however long all of it takes.</summary>
internal sealed class ProgressDeadline : IDisposable
{
    private readonly RegistryOptions _options;
    private readonly CancellationTokenSource _limit;
    private readonly CancellationTokenSource _either;

    public ProgressDeadline(RegistryOptions options, CancellationToken cancellationToken)
    {
        _options = options;
        _limit = new CancellationTokenSource(options.Timeout, options.Time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_limit.Token, cancellationToken);
    }

    public CancellationToken Token => _either.Token;

    /// <summary>There was progress: the time starts anew.</summary>
    public void Extend() => _limit.CancelAfter(_options.Timeout);

    public void Dispose()
    {
        _either.Dispose();
        _limit.Dispose();
    }
}

/// <summary>A body that is read with a limit per read, and that closes its answer.</summary>
internal sealed class BodyStream(Stream body, HttpResponseMessage response, RegistryOptions options) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var deadline = new ProgressDeadline(options, cancellationToken);
        try
        {
            return await body.ReadAsync(buffer, deadline.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RegistryException($"{response.RequestMessage?.RequestUri?.Authority} sent nothing for "
                + $"{options.Timeout.TotalSeconds:F0} s.", exception) { IsTransient = true };
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            response.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>A body from memory that counts what has been handed to the network.</summary>
internal sealed class ChunkContent(ReadOnlyMemory<byte> chunk, ProgressDeadline deadline, Action<long> sent) : HttpContent
{
    /// <summary>
    /// Two records of TLS, which costs no more than larger slices. Small enough that many uploads which share a slow line each make
    /// progress before their time is over.
    /// </summary>
    private const int Slice = 32 << 10;

    protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context,
        CancellationToken cancellationToken)
    {
        for (var offset = 0; offset < chunk.Length; offset += Slice)
        {
            var slice = chunk.Slice(offset, Math.Min(Slice, chunk.Length - offset));
            await stream.WriteAsync(slice, cancellationToken);
            sent(slice.Length);
            deadline.Extend();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = chunk.Length;
        return true;
    }
}
