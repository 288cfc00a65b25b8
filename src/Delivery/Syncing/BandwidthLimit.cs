namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>Shares a number of bytes per second among writers in the order in which they ask. Safe for several of them.</summary>
/// <param name="bytesPerSecond">The limit; 0 for none.</param>
/// <param name="time">The clock.</param>
internal sealed class BandwidthLimit(long bytesPerSecond, TimeProvider time)
{
    /// <summary>What was not used is kept for this long.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private readonly long _origin = time.GetTimestamp();
    private TimeSpan _freeAt = -Burst;

    /// <summary>Waits until bytes may be sent.</summary>
    public async ValueTask TakeAsync(int bytes, CancellationToken cancellationToken)
    {
        if (bytesPerSecond <= 0)
            return;
        TimeSpan wait;
        lock (_gate)
        {
            var now = time.GetElapsedTime(_origin);
            _freeAt = (_freeAt > now - Burst ? _freeAt : now - Burst) + TimeSpan.FromSeconds((double)bytes / bytesPerSecond);
            wait = _freeAt - now;
        }

        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, time, cancellationToken);
    }
}
