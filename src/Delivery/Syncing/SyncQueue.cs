using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>
/// The Clusters that are due, fairly: checks of many registries go on while some are filled, one namespace takes at most half of the
/// workers where there are several, and one that somebody waits for comes first. Safe for several callers.
/// </summary>
/// <param name="workers">Clusters that are worked on at once, 1 or more.</param>
/// <param name="time">The clock.</param>
internal sealed class SyncQueue(int workers, TimeProvider time)
{
    /// <summary>A registry that fills for longer has a slow line; it goes on, and others need not wait for it.</summary>
    public static readonly TimeSpan SlowAfter = TimeSpan.FromMinutes(3);

    /// <summary>How many times the workers fill registries at most, slow ones included: each takes memory.</summary>
    private const int MostSlow = 4;

    /// <summary>The longest time until a registry is looked at again that fetches content by itself.</summary>
    public static readonly TimeSpan FetchPause = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<ClusterKey, Entry> _entries = [];
    private readonly QueueSignal _signal = new(time);

    private int Half => (workers + 1) / 2;

    /// <summary>Clusters that are due and wait for a worker.</summary>
    public int Depth
    {
        get
        {
            lock (_gate)
                return _entries.Values.Count(entry => !entry.IsRunning && entry.Due <= time.GetUtcNow());
        }
    }

    /// <summary>Clusters that are worked on.</summary>
    public int Running
    {
        get
        {
            lock (_gate)
                return _entries.Values.Count(entry => entry.IsRunning);
        }
    }

    /// <summary>A Cluster is due at a time, or earlier if it already was.</summary>
    /// <param name="cluster">The Cluster.</param>
    /// <param name="at">When; a time that is over means now.</param>
    /// <param name="isUrgent">Somebody waits for it: it comes before others, and what failed before does not matter.</param>
    public void Enqueue(ClusterKey cluster, DateTimeOffset at, bool isUrgent = false)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(cluster, out var entry))
                _entries[cluster] = entry = new Entry { Due = at };
            (entry.IsGone, entry.IsUrgent) = (false, entry.IsUrgent || isUrgent);
            if (isUrgent)
                entry.Failures = 0;
            if (entry.IsRunning)
                entry.Again = entry.Again is { } again && again < at ? again : at;
            // What failed is tried again after its pause, whatever else happens.
            else if (at < entry.Due && entry.Failures == 0)
                entry.Due = at;
            _signal.Set();
        }
    }

    /// <summary>The Cluster is gone.</summary>
    public void Forget(ClusterKey cluster)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(cluster, out var entry) && !entry.IsRunning)
                _entries.Remove(cluster);
            else if (entry is not null)
                entry.IsGone = true;
            _signal.Set();
        }
    }

    /// <summary>Waits for the next Cluster that is due and may have a worker.</summary>
    public async Task<ClusterKey> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            TimeSpan? wait;
            lock (_gate)
            {
                if (TryTake(out wait) is { } cluster)
                    return cluster;
                changed = _signal.Next;
            }

            await _signal.WaitAsync(changed, wait, cancellationToken);
        }
    }

    /// <summary>A check found that a registry has to be filled: true when that may begin now, else it is due again at once.</summary>
    public bool TryBeginFill(ClusterKey cluster)
    {
        lock (_gate)
        {
            var entry = _entries[cluster];
            entry.Fills = entry.Fills || (CountLimited() < Half && !Full().Contains(cluster.Namespace));
            entry.WantsFill = true;
            return entry.Fills;
        }
    }

    /// <summary>Whoever works on a Cluster reads now what is wanted, so what made it due again until now is no reason any more.</summary>
    public void Read(ClusterKey cluster)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(cluster, out var entry))
                entry.Again = null;
        }
    }

    /// <summary>The work on a Cluster ended.</summary>
    /// <param name="cluster">The Cluster.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="next">When it is due again if it is settled and nothing happens.</param>
    public void Done(ClusterKey cluster, SyncOutcome outcome, DateTimeOffset next)
    {
        lock (_gate)
        {
            var entry = _entries[cluster];
            var now = time.GetUtcNow();
            entry.Failures = outcome == SyncOutcome.Failed ? entry.Failures + 1 : 0;
            entry.WantsFill = outcome == SyncOutcome.WantsFill;
            var due = outcome switch
            {
                SyncOutcome.Failed => now + PauseAfter(entry.Failures),
                SyncOutcome.WantsFill => now,
                SyncOutcome.Fetching when next > now + FetchPause => now + FetchPause,
                SyncOutcome.Fetching or SyncOutcome.Settled => next,
                _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "There is no such outcome."),
            };
            entry.IsUrgent = entry.IsUrgent && outcome is SyncOutcome.WantsFill or SyncOutcome.Fetching;
            if (entry.Again is { } again && outcome != SyncOutcome.Failed && again < due)
                due = again;
            (entry.IsRunning, entry.Fills, entry.Again, entry.Due) = (false, false, null, due);
            if (entry.IsGone)
                _entries.Remove(cluster);
            _signal.Set();
        }
    }

    /// <summary>Doubles from two seconds to five minutes; a quarter is random, so that what failed together parts.</summary>
    internal static TimeSpan PauseAfter(int failures)
    {
        var pause = FirstPause * Math.Pow(2, Math.Clamp(failures - 1, 0, 20));
        return (pause < LongestPause ? pause : LongestPause) * (0.75 + (Random.Shared.NextDouble() / 4));
    }

    private ClusterKey? TryTake(out TimeSpan? wait)
    {
        var now = time.GetUtcNow();
        wait = null;
        if (_entries.Values.Count(entry => entry.IsRunning && !entry.IsSlow(now)) >= workers)
        {
            wait = SlowAfter;
            return null;
        }

        var limited = CountLimited();
        var (busy, full) = (Busy(), Full());
        KeyValuePair<ClusterKey, Entry>? best = null;
        foreach (var pair in _entries)
        {
            if (pair.Value.IsRunning || busy.Contains(pair.Key.Namespace)
                || (pair.Value.IsLimited && (limited >= Half || full.Contains(pair.Key.Namespace))))
                continue;
            if (pair.Value.Due > now)
                wait = wait is { } shortest && shortest < pair.Value.Due - now ? wait : pair.Value.Due - now;
            else if (best is not { } other || pair.Value.ComesBefore(other.Value))
                best = pair;
        }

        if (best is not { } next)
        {
            // One that is slow soon makes room.
            wait = limited > 0 && (wait is null || wait > SlowAfter) ? SlowAfter : wait;
            return null;
        }

        (next.Value.Fills, next.Value.IsRunning) = (next.Value.IsLimited, true);
        (next.Value.StartedAt, next.Value.Again) = (now, null);
        return next.Key;
    }

    private int CountLimited()
    {
        var now = time.GetUtcNow();
        return _entries.Values.Count(entry => entry is { IsRunning: true, Fills: true } && !entry.IsSlow(now));
    }

    // A namespace that is the only one may have all workers.
    private bool IsShared => workers > 1 && _entries.Keys.Select(key => key.Namespace).Distinct().Skip(1).Any();

    private HashSet<string> Busy()
    {
        var now = time.GetUtcNow();
        return !IsShared ? [] : [.. _entries.Where(pair => pair.Value.IsRunning && !pair.Value.IsSlow(now))
            .CountBy(pair => pair.Key.Namespace).Where(pair => pair.Value >= Half).Select(pair => pair.Key)];
    }

    /// <summary>
    /// The namespaces that may fill no other registry now, slow fills included: a source that drips must not take all that there is.
    /// </summary>
    private HashSet<string> Full()
    {
        var fills = _entries.Where(pair => pair.Value is { IsRunning: true, Fills: true }).CountBy(pair => pair.Key.Namespace).ToList();
        var most = workers * MostSlow;
        return fills.Sum(pair => pair.Value) >= most ? [.. _entries.Keys.Select(key => key.Namespace)]
            : [.. fills.Where(pair => pair.Value >= (IsShared ? most / 2 : most)).Select(pair => pair.Key)];
    }

    /// <summary>What is known of a Cluster.</summary>
    private sealed class Entry
    {
        public DateTimeOffset Due { get; set; }

        public DateTimeOffset StartedAt { get; set; }

        /// <summary>When it is due again although it is worked on now.</summary>
        public DateTimeOffset? Again { get; set; }

        public int Failures { get; set; }

        public bool IsRunning { get; set; }

        public bool IsGone { get; set; }

        public bool IsUrgent { get; set; }

        /// <summary>A check found that it has to be filled.</summary>
        public bool WantsFill { get; set; }

        /// <summary>It runs as one of the limited number.</summary>
        public bool Fills { get; set; }

        public bool IsLimited => WantsFill || Failures > 0;

        public bool IsSlow(DateTimeOffset now) => IsRunning && Fills && now - StartedAt >= SlowAfter;

        public bool ComesBefore(Entry other) => IsUrgent != other.IsUrgent ? IsUrgent : Due < other.Due;
    }
}

/// <summary>How the work on a Cluster ended.</summary>
internal enum SyncOutcome
{
    /// <summary>Nothing is left to do until the next interval.</summary>
    Settled,

    /// <summary>It has to be filled, and others are.</summary>
    WantsFill,

    /// <summary>It failed.</summary>
    Failed,

    /// <summary>The registry fetches content by itself.</summary>
    Fetching,
}
