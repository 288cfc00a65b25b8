namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>Limits how many reconciles start per second, with a burst after a pause.</summary>
internal sealed class RateLimiter(int perSecond, int burst, TimeProvider time)
{
    private readonly TimeSpan _interval = TimeSpan.FromSeconds(1.0 / perSecond);
    private readonly long _origin = time.GetTimestamp();
    private TimeSpan _next = TimeSpan.FromSeconds(-(double)burst / perSecond);

    /// <summary>Waits until the next one may start.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var now = time.GetElapsedTime(_origin);
        var earliest = now - (_interval * burst);
        _next = (_next > earliest ? _next : earliest) + _interval;
        return _next <= now ? Task.CompletedTask : Task.Delay(_next - now, time, cancellationToken);
    }
}
