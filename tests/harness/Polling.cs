namespace CapiRegistryHook.Harness;

/// <summary>Waits, within a bound, for something that another process or thread does.</summary>
public static class Polling
{
    /// <summary>
    /// An API server is ready in about 5 s on two idle cores; a machine that builds something beside it needs several times that.
    /// </summary>
    public static readonly TimeSpan DefaultBound = TimeSpan.FromSeconds(120);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Asks until the answer is yes.</summary>
    /// <param name="what">What is waited for, for the message of the exception.</param>
    /// <param name="isSo">The question; what it throws ends the wait.</param>
    /// <param name="detail">Added to the message.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="bound">How long to wait; <see cref="DefaultBound"/> when null.</param>
    /// <param name="pause">Between two questions; 50 ms when null.</param>
    /// <exception cref="TimeoutException">The answer was still no at the bound.</exception>
    public static async Task UntilAsync(
        string what, Func<Task<bool>> isSo, Func<string> detail, CancellationToken cancellationToken, TimeSpan? bound = null,
        TimeSpan? pause = null)
    {
        var limit = bound ?? DefaultBound;
        var started = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            if (TimeProvider.System.GetElapsedTime(started) > limit)
                throw new TimeoutException($"Waited {limit.TotalSeconds} s in vain: {what}.\n{detail()}");
            await Task.Delay(pause ?? Pause, TimeProvider.System, cancellationToken);
        }
    }
}
