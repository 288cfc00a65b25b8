using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Cli.Output;

/// <summary>The rate of a transfer over its last seconds.</summary>
internal sealed class TransferRate
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);
    private readonly Queue<(TimeSpan At, long Bytes)> _samples = new();

    /// <summary>Bytes per second; 0 until two samples are there.</summary>
    public double BytesPerSecond { get; private set; }

    /// <summary>Takes a sample.</summary>
    /// <param name="at">The time since any fixed moment; never less than before.</param>
    /// <param name="bytesSent">Bytes sent in all.</param>
    public void Sample(TimeSpan at, long bytesSent)
    {
        _samples.Enqueue((at, bytesSent));
        // One sample older than the window stays, so that the window is always full.
        while (_samples.Count > 2 && at - _samples.ElementAt(1).At >= Window)
            _samples.Dequeue();
        var (since, before) = _samples.Peek();
        BytesPerSecond = at > since ? (bytesSent - before) / (at - since).TotalSeconds : 0;
    }

    /// <summary>How long the rest takes at this rate; null while that can't be said.</summary>
    public TimeSpan? TimeLeft(TransferProgress progress)
    {
        var rest = Math.Max(0, progress.Bytes - progress.BytesSent - progress.BytesSkipped);
        return BytesPerSecond < 1 || rest / BytesPerSecond > TimeSpan.FromDays(30).TotalSeconds
            ? null : TimeSpan.FromSeconds(rest / BytesPerSecond);
    }
}
