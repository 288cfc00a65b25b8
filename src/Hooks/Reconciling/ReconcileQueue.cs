using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>
/// Which Cluster gets a pass next, and when. Each Cluster is in it once, and never in two passes at the same time. Clusters whose last
/// pass failed take at most half of the workers, so that any number of workload clusters that are away holds nobody else up.
/// </summary>
internal sealed class ReconcileQueue(ReconcilerOptions options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ClusterKey, QueueEntry> _entries = [];

    /// <summary>Earliest first. A ticket whose moment is no longer the entry's is void and is dropped when it comes up.</summary>
    private readonly PriorityQueue<(ClusterKey Cluster, DateTimeOffset Due), DateTimeOffset> _tickets = new();

    /// <summary>Due, but of a kind that has its share of the workers already.</summary>
    private readonly Queue<ClusterKey> _held = new();

    private TaskCompletionSource _changed = NewSignal();
    private int _failing;

    /// <summary>Clusters that are known.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    /// <summary>Clusters that are due and wait for a worker.</summary>
    public int Depth
    {
        get
        {
            lock (_gate)
            {
                var now = time.GetUtcNow();
                return _entries.Values.Count(entry => !entry.IsRunning && entry.Due <= now);
            }
        }
    }

    /// <summary>Every Cluster is due at once: something changed that concerns all.</summary>
    public void EnqueueAll()
    {
        lock (_gate)
        {
            foreach (var (cluster, entry) in _entries)
                EnqueueNow(cluster, entry);
        }
    }

    /// <summary>A Cluster was seen; it is due at once when it is new or something about it changed.</summary>
    public void EnqueueCluster(ClusterKey cluster, int print)
    {
        lock (_gate)
        {
            var entry = Enter(cluster);
            if (entry.ClusterPrint == print)
                return;
            entry.ClusterPrint = print;
            EnqueueNow(cluster, entry);
        }
    }

    /// <summary>Its HelmChartProxy was seen, or is gone (null). Of a Cluster that is not known that says nothing.</summary>
    public void EnqueueRelease(ClusterKey cluster, int? print)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(cluster, out var entry) || entry.ReleasePrint == print)
                return;
            entry.ReleasePrint = print;
            EnqueueNow(cluster, entry);
        }
    }

    /// <summary>The Cluster is gone.</summary>
    public void Forget(ClusterKey cluster)
    {
        lock (_gate)
            Remove(cluster);
    }

    /// <summary>Forgets the Clusters of a namespace (null: all) that a full list did not show.</summary>
    public void Retain(string? @namespace, HashSet<ClusterKey> seen)
    {
        lock (_gate)
        {
            List<ClusterKey> gone = [
                .. _entries.Keys.Where(key => (@namespace is null || key.Namespace == @namespace) && !seen.Contains(key))];
            gone.ForEach(Remove);
        }
    }

    /// <summary>Waits for the next pass that is due.</summary>
    public async Task<ReconcileRequest> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            TimeSpan? wait;
            lock (_gate)
            {
                if (TryTake(out var pass))
                    return pass;
                changed = _changed.Task;
                wait = _tickets.TryPeek(out var next, out _) ? next.Due - time.GetUtcNow() : null;
            }

            await WaitAsync(changed, wait, cancellationToken);
        }
    }

    /// <summary>A pass has ended.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="failed">Whether it did not come to its end.</param>
    /// <param name="next">When the Cluster is due again if nothing happens; not heeded after a failure.</param>
    public void Done(ReconcileRequest pass, bool failed, DateTimeOffset next)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(pass.Cluster, out var entry) || !entry.IsRunning)
                return;
            if (entry.Failures > 0)
                _failing--;
            entry.IsRunning = false;
            entry.Failures = failed ? entry.Failures + 1 : 0;
            if (entry.IsGone)
                _entries.Remove(pass.Cluster);
            else
                Plan(pass, entry, failed, next);
            Signal();
        }
    }

    private void Plan(ReconcileRequest pass, QueueEntry entry, bool failed, DateTimeOffset next)
    {
        var now = time.GetUtcNow();
        if (pass.Verify && !failed)
            entry.VerifyAt = now + options.Verify;
        var due = failed ? now + BackoffPolicy.PauseAfter(entry.Failures, Random.Shared.NextDouble()) : next;
        Schedule(pass.Cluster, entry, entry.IsDirty && !failed ? now : due);
        entry.IsDirty = false;
    }

    private QueueEntry Enter(ClusterKey cluster)
    {
        if (_entries.TryGetValue(cluster, out var entry))
        {
            entry.IsGone = false;
            return entry;
        }

        // Spread, and not before half of the interval is over: a replica that takes over need not look at the whole fleet at once.
        var verifyAt = time.GetUtcNow() + (options.Verify * (0.5 + Random.Shared.NextDouble()));
        return _entries[cluster] = new QueueEntry { VerifyAt = verifyAt, Due = DateTimeOffset.MaxValue };
    }

    /// <summary>What a person or another controller has just done is tried at once, also after failures.</summary>
    private void EnqueueNow(ClusterKey cluster, QueueEntry entry)
    {
        if (entry.IsRunning)
            entry.IsDirty = true;
        else
            Schedule(cluster, entry, time.GetUtcNow());
        Signal();
    }

    private void Schedule(ClusterKey cluster, QueueEntry entry, DateTimeOffset due)
    {
        entry.Due = due;
        _tickets.Enqueue((cluster, due), due);
    }

    private bool TryTake(out ReconcileRequest pass)
    {
        var now = time.GetUtcNow();
        while (HasRoomForFailing && _held.TryDequeue(out var held))
        {
            if (Begin(held, now, out pass))
                return true;
        }

        while (_tickets.TryPeek(out var ticket, out _) && ticket.Due <= now)
        {
            _tickets.Dequeue();
            if (!_entries.TryGetValue(ticket.Cluster, out var entry) || entry.Due != ticket.Due || entry.IsRunning)
                continue;
            if (entry.Failures > 0 && !HasRoomForFailing)
                _held.Enqueue(ticket.Cluster);
            else if (Begin(ticket.Cluster, now, out pass))
                return true;
        }

        pass = default;
        return false;
    }

    private bool HasRoomForFailing => _failing < Math.Max(1, options.Workers / 2);

    private bool Begin(ClusterKey cluster, DateTimeOffset now, out ReconcileRequest pass)
    {
        pass = default;
        if (!_entries.TryGetValue(cluster, out var entry) || entry.IsRunning || entry.Due > now)
            return false;
        entry.IsRunning = true;
        entry.IsDirty = false;
        if (entry.Failures > 0)
            _failing++;
        pass = new ReconcileRequest(cluster, options.Verify > TimeSpan.Zero && entry.VerifyAt <= now);
        return true;
    }

    private void Remove(ClusterKey cluster)
    {
        if (!_entries.TryGetValue(cluster, out var entry))
            return;
        if (entry.IsRunning)
            entry.IsGone = true;
        else
            _entries.Remove(cluster);
    }

    private void Signal()
    {
        _changed.TrySetResult();
        _changed = NewSignal();
    }

    private async Task WaitAsync(Task changed, TimeSpan? wait, CancellationToken cancellationToken)
    {
        if (wait is not { } pause)
        {
            await changed.WaitAsync(cancellationToken);
            return;
        }

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(changed, Task.Delay(Bound(pause), time, enough.Token));
        await enough.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Timers take no more than 49 days.</summary>
    private static TimeSpan Bound(TimeSpan pause) =>
        pause < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : pause > TimeSpan.FromDays(1) ? TimeSpan.FromDays(1) : pause;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
