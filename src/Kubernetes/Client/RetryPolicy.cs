namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>Whether doing a request twice is the same as doing it once.</summary>
internal enum Repeat
{
    /// <summary>It is, or the second one is refused by a precondition.</summary>
    Safe,

    /// <summary>It is not: repeated only when the server can't have acted on it.</summary>
    WhenNotDone,
}

/// <summary>Decides on another attempt, and when. Pure: chance and time come in as numbers.</summary>
internal sealed class RetryPolicy(KubernetesClientOptions options)
{
    /// <summary>The pause before the next attempt, or null to give up.</summary>
    /// <param name="repeat">What the request bears.</param>
    /// <param name="failure">How the last attempt failed.</param>
    /// <param name="attempt">How many attempts were made, from 1.</param>
    /// <param name="elapsed">Time since the call began.</param>
    /// <param name="chance">A random number in [0, 1).</param>
    public TimeSpan? PauseAfter(Repeat repeat, KubernetesApiException failure, int attempt, TimeSpan elapsed, double chance)
    {
        if (attempt >= options.MaxAttempts || !MayRepeat(repeat, failure))
            return null;
        var pause = Pause(failure.RetryAfter, attempt, chance);
        return elapsed + pause < options.TotalTimeout ? pause : null;
    }

    // 429 is said before anything is done (flow control), and a connection that was never there carried nothing. 503 can come from a proxy
    // after the server has acted, and so can a timeout.
    private static bool MayRepeat(Repeat repeat, KubernetesApiException failure) => failure.Fault switch
    {
        KubernetesFault.TooManyRequests => true,
        KubernetesFault.Unreachable => repeat == Repeat.Safe || failure.NeverSent,
        KubernetesFault.Unavailable => repeat == Repeat.Safe && failure.StatusCode == 503,
        KubernetesFault.Timeout => repeat == Repeat.Safe && failure.StatusCode is null,
        _ => false,
    };

    // Full jitter spreads callers that failed together; on top of a Retry-After it keeps them from coming back together.
    private TimeSpan Pause(TimeSpan? retryAfter, int attempt, double chance) =>
        retryAfter is { } asked
            ? asked + (options.BackoffBase * chance) : Backoff(options.BackoffBase, options.BackoffCap, attempt) * chance;

    /// <summary>The upper end of the pause after an attempt: doubled each time, up to the cap.</summary>
    public static TimeSpan Backoff(TimeSpan first, TimeSpan cap, int attempt)
    {
        var factor = Math.Pow(2, Math.Clamp(attempt - 1, 0, 30));
        return first.TotalMilliseconds * factor >= cap.TotalMilliseconds ? cap : first * factor;
    }
}
