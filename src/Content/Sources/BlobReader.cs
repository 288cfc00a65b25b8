using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Sources;

/// <summary>
/// Reads a blob once from start to end and verifies it on the way: a read that would end the blob fails unless size and digest are
/// right. A source that breaks off is opened again where it broke off.
/// </summary>
public sealed class BlobReader(IContentSource source, Descriptor blob, RetryPolicy retry, TimeProvider time) : IAsyncDisposable
{
    private readonly ContentHash _hash = new(blob.Digest.Algorithm);
    private Stream? _stream;
    private int _failures;
    private bool _finished;

    /// <summary>Fills the buffer, unless the blob ends before. 0 means that all of it has been read and is right.</summary>
    /// <exception cref="ContentException">The blob is missing, or is not what its descriptor says.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_finished)
            return 0;
        var filled = 0;
        while (filled < buffer.Length && _hash.Length < blob.Size)
        {
            var wanted = (int)Math.Min(buffer.Length - filled, blob.Size - _hash.Length);
            var read = await ReadSomeAsync(buffer.Slice(filled, wanted), cancellationToken);
            _hash.Append(buffer.Span.Slice(filled, read));
            filled += read;
        }

        if (_hash.Length == blob.Size)
            await CheckEndAsync(cancellationToken);
        return filled;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _hash.Dispose();
    }

    private async Task<int> ReadSomeAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                _stream ??= await source.OpenBlobAsync(blob, _hash.Length, cancellationToken)
                    ?? throw new ContentException($"The blob {blob.Digest} is missing in {source.Location}.");
                var read = await _stream.ReadAsync(buffer, cancellationToken);
                if (read == 0)
                    throw new ContentException($"The blob {blob.Digest} in {source.Location} ends after {_hash.Length} of {blob.Size} "
                        + "bytes.") { IsTransient = true };
                _failures = 0;
                return read;
            }
            catch (Exception exception) when (RetryPolicy.IsTransient(exception) && ++_failures < retry.Attempts)
            {
                await CloseAsync();
                await Task.Delay(retry.DelayAfter(_failures), time, cancellationToken);
            }
        }
    }

    private async Task CheckEndAsync(CancellationToken cancellationToken)
    {
        if (_stream is not null && await HasMoreAsync(_stream, cancellationToken))
            throw new ContentException(
                $"The blob {blob.Digest} in {source.Location} is longer than the {blob.Size} bytes that its manifest says.");
        var actual = _hash.Finish();
        _finished = true;
        if (actual != blob.Digest)
            throw new ContentException($"The blob {blob.Digest} in {source.Location} is corrupt: its digest is {actual}.");
    }

    private static async Task<bool> HasMoreAsync(Stream stream, CancellationToken cancellationToken)
    {
        try
        {
            return await stream.ReadAsync(new byte[1], cancellationToken) > 0;
        }
        catch (Exception exception) when (RetryPolicy.IsTransient(exception))
        {
            // All bytes are here, and the digest decides.
            return false;
        }
    }

    private async Task CloseAsync()
    {
        if (_stream is not null)
            await _stream.DisposeAsync();
        _stream = null;
    }
}
