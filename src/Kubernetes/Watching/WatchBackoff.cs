using System.Runtime.ExceptionServices;
using CapiRegistryHook.Kubernetes.Client;

namespace CapiRegistryHook.Kubernetes.Watching;

/// <summary>Says when a broken watch is tried again, and when it is given up.</summary>
internal sealed class WatchBackoff(KubernetesClientOptions options, TimeProvider time)
{
    /// <summary>Refusals in a row after which it is not temporary; roles that are being installed are refused once or twice.</summary>
    internal const int MostRefusals = 5;

    /// <summary>A stream that was quiet for this long and then ended has done its work.</summary>
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(5);

    private int _failures;
    private int _refusals;

    /// <summary>The server sent something useful.</summary>
    public void Progress() => _failures = _refusals = 0;

    /// <summary>Waits before the next try. A list that worked is not progress by itself: one whose watch always fails must not be repeated
    /// at full speed.</summary>
    /// <param name="failure">What went wrong; null when the stream just ended.</param>
    /// <param name="lived">How long the stream was open.</param>
    /// <exception cref="KubernetesApiException">It has been refused too often.</exception>
    public Task PauseAsync(KubernetesApiException? failure, TimeSpan lived, CancellationToken cancellationToken)
    {
        if (failure is null && lived >= LongEnough)
            Progress();
        if (failure is { IsTransient: false, IsTooLarge: false, Fault: not KubernetesFault.Gone } && ++_refusals >= MostRefusals)
            ExceptionDispatchInfo.Throw(failure);
        return Task.Delay(PauseFor(failure?.RetryAfter, Random.Shared.NextDouble()), time, cancellationToken);
    }

    internal TimeSpan PauseFor(TimeSpan? retryAfter, double chance)
    {
        _failures = Math.Min(_failures + 1, 64);
        // Half of it is certain, so that a server in trouble is left alone; half is chance, so that watches do not come back together.
        var pause = RetryPolicy.Backoff(options.BackoffBase, options.WatchBackoffCap, _failures) * (0.5 + (chance / 2));
        var asked = retryAfter ?? TimeSpan.Zero;
        return asked <= pause ? pause : asked < options.WatchBackoffCap ? asked : options.WatchBackoffCap;
    }
}
