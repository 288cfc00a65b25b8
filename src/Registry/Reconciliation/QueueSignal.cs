namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>
/// Lets the worker of a queue wait until the queue changes or its next entry is due. <see cref="Next"/> and <see cref="Set"/> belong under
/// the lock of the queue, so that no change is missed.
/// </summary>
/// <param name="time">The clock.</param>
public sealed class QueueSignal(TimeProvider time)
{
    /// <summary>Timers take at most 49 days.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    private TaskCompletionSource _changed = New();

    /// <summary>Done with the next change.</summary>
    public Task Next => _changed.Task;

    /// <summary>The queue changed.</summary>
    public void Set()
    {
        _changed.TrySetResult();
        _changed = New();
    }

    /// <summary>Waits for a change, or for a time.</summary>
    /// <param name="changed">What <see cref="Next"/> was when the queue had nothing.</param>
    /// <param name="wait">How long at most; null for a change alone. It may return after a day without either.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task WaitAsync(Task changed, TimeSpan? wait, CancellationToken cancellationToken)
    {
        if (wait is not { } pause)
        {
            await changed.WaitAsync(cancellationToken);
            return;
        }

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(changed, Task.Delay(pause < Shortest ? Shortest : pause > Longest ? Longest : pause, time, enough.Token));
        await enough.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
