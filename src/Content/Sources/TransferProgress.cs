namespace CapiRegistryHook.Content.Sources;

/// <summary>How far a transfer is.</summary>
/// <param name="Blobs">Blobs in all.</param>
/// <param name="BlobsDone">Blobs that are where they belong, sent or there before.</param>
/// <param name="Bytes">Bytes in all.</param>
/// <param name="BytesSent">Bytes that went over the wire or into the file, resent ones too.</param>
/// <param name="BytesSkipped">Bytes that did not have to go.</param>
public readonly record struct TransferProgress(int Blobs, int BlobsDone, long Bytes, long BytesSent, long BytesSkipped);

/// <summary>Counts what several workers do and reports each change.</summary>
internal sealed class TransferMeter(IProgress<TransferProgress>? progress)
{
    private readonly Lock _gate = new();
    private TransferProgress _now;

    public TransferProgress Now
    {
        get
        {
            lock (_gate)
                return _now;
        }
    }

    public void Plan(int blobs, long bytes) => Change(now => now with { Blobs = now.Blobs + blobs, Bytes = now.Bytes + bytes });

    public void Sent(long bytes) => Change(now => now with { BytesSent = now.BytesSent + bytes });

    public void Done() => Change(now => now with { BlobsDone = now.BlobsDone + 1 });

    public void Skipped(long bytes) => Change(now => now with { BlobsDone = now.BlobsDone + 1, BytesSkipped = now.BytesSkipped + bytes });

    private void Change(Func<TransferProgress, TransferProgress> change)
    {
        lock (_gate)
        {
            _now = change(_now);
            // Inside, so that reports come in order.
            progress?.Report(_now);
        }
    }
}
