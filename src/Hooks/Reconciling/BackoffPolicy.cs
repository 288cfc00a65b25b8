namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>When a reconcile is repeated that failed, or that waits for something under way.</summary>
internal static class BackoffPolicy
{
    /// <summary>The first pause after a failure; it doubles up to <see cref="Longest"/>.</summary>
    public static readonly TimeSpan First = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause after a failure.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The pause while a registry waits, for its pods to roll for example. No watch of the management cluster shows pods.
    /// </summary>
    public static readonly TimeSpan WaitingPause = TimeSpan.FromSeconds(5);

    /// <summary>A registry that waits longer than this is reconciled less often.</summary>
    public static readonly TimeSpan ShortWait = TimeSpan.FromMinutes(10);

    /// <summary>The pause then: many replicas with large volumes take their time.</summary>
    public static readonly TimeSpan LongWaitPause = TimeSpan.FromSeconds(30);

    /// <summary>A registry that waits longer than this is retried with exponential backoff.</summary>
    public static readonly TimeSpan WaitingLimit = TimeSpan.FromMinutes(70);

    private const int MostDoublings = 20;

    /// <param name="waited">How long the registry has waited.</param>
    public static TimeSpan PauseOfWaiting(TimeSpan waited) => waited < ShortWait ? WaitingPause : LongWaitPause;

    /// <summary>A quarter of the pause is random, so that Clusters that failed together are not retried together.</summary>
    /// <param name="failures">How many reconciles failed in a row, from 1.</param>
    /// <param name="chance">A random number in [0, 1).</param>
    public static TimeSpan PauseAfter(int failures, double chance)
    {
        var pause = First * Math.Pow(2, Math.Clamp(failures - 1, 0, MostDoublings));
        return (pause < Longest ? pause : Longest) * (0.75 + (chance / 4));
    }
}
