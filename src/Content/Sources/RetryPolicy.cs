using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Sources;

/// <summary>How often something is tried, and how long the waits between are.</summary>
/// <param name="Attempts">Tries in all, 1 or more.</param>
/// <param name="FirstDelay">The wait before the second try; each further one is twice as long.</param>
/// <param name="LongestDelay">No wait is longer, whatever a registry asks for.</param>
public sealed record RetryPolicy(int Attempts, TimeSpan FirstDelay, TimeSpan LongestDelay)
{
    /// <summary>Five tries within about 8 s; a registry that asks for more time gets up to 30 s each.</summary>
    public static RetryPolicy Default { get; } = new(5, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30));

    /// <summary>True for faults of networks and servers that may be over a moment later.</summary>
    public static bool IsTransient(Exception exception) => exception switch
    {
        ContentException content => content.IsTransient,
        HttpRequestException or IOException or TimeoutException => true,
        _ => false,
    };

    /// <summary>The wait after a failed try.</summary>
    /// <param name="attempt">Which try it was, from 1.</param>
    /// <param name="asked">The wait that the other side asked for; null for none.</param>
    public TimeSpan DelayAfter(int attempt, TimeSpan? asked = null)
    {
        var delay = TimeSpan.FromTicks((long)Math.Min(LongestDelay.Ticks, FirstDelay.Ticks * Math.Pow(2, attempt - 1)));
        return asked is null || asked < delay ? delay : asked.Value < LongestDelay ? asked.Value : LongestDelay;
    }
}
