namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>
/// The pause after passes that failed: 1 s, doubled each time up to 5 minutes, a quarter of it by chance so that Clusters that failed
/// together part.
/// </summary>
internal static class BackoffPolicy
{
    private const int MostDoublings = 20;

    /// <param name="failures">How many passes failed in a row, from 1.</param>
    /// <param name="chance">A random number in [0, 1).</param>
    public static TimeSpan PauseAfter(int failures, double chance)
    {
        var factor = Math.Pow(2, Math.Clamp(failures - 1, 0, MostDoublings));
        var pause = ReconcilerOptions.FirstBackoff * factor;
        return (pause < ReconcilerOptions.LongestBackoff ? pause : ReconcilerOptions.LongestBackoff) * (0.75 + (chance / 4));
    }
}
