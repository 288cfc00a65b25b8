using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>
/// Which Cluster is reconciled next, and when. Each Cluster is in it once and never reconciled twice at the same time. Clusters whose last
/// reconcile failed or was slow get half of the workers at most, and so does one namespace where there are several: neither unreachable
/// workload clusters nor one tenant delay the others.
/// </summary>
/// <param name="options">Workers and intervals.</param>
/// <param name="time">The clock.</param>
/// <param name="forget">Called for each Cluster that leaves the queue, so that nothing of it stays in memory elsewhere.</param>
internal sealed class ReconcileQueue(ReconcilerOptions options, TimeProvider time, Action<ClusterKey>? forget = null)
{
    private readonly SteadyTime _steady = new(time);
    private readonly Lock _gate = new();
    private readonly Dictionary<ClusterKey, QueueEntry> _entries = [];
    private readonly Dictionary<string, NamespaceLoad> _namespaces = new(StringComparer.Ordinal);

    /// <summary>Earliest first. A ticket whose time is no longer the entry's is void and is dropped when it comes up.</summary>
    private readonly PriorityQueue<(ClusterKey Cluster, DateTimeOffset Due), DateTimeOffset> _tickets = new();

    private readonly DueClusters _ready = new();
    private readonly DueClusters _limited = new();

    private readonly QueueSignal _signal = new(time);
    private readonly HashSet<string> _listed = new(StringComparer.Ordinal);
    private int _limitedRunning;
    private bool _isSurveyed;

    /// <summary>How many complete lists show all Clusters, 1 or more.</summary>
    public int Places { get; init; } = 1;

    /// <summary>By which clock Clusters are due.</summary>
    public DateTimeOffset Now => _steady.GetUtcNow();

    /// <summary>The number of known Clusters.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    /// <summary>The number of Clusters that are due and wait for a worker.</summary>
    public int Depth
    {
        get
        {
            lock (_gate)
            {
                var now = Now;
                return _entries.Values.Count(entry => !entry.IsRunning && entry.Due <= now);
            }
        }
    }

    /// <summary>
    /// All Clusters have been listed and reconciled once, whatever came of it. It stays so: a Cluster that is created later changes
    /// nothing.
    /// </summary>
    public bool IsSurveyed
    {
        get
        {
            lock (_gate)
            {
                return _isSurveyed = _isSurveyed
                    || (_listed.Count >= Places && _entries.Values.All(entry => entry.HasEnded));
            }
        }
    }

    private int HalfOfWorkers => Math.Max(1, options.Workers / 2);

    /// <summary>Every Cluster is due: something changed that concerns all.</summary>
    public void EnqueueAll()
    {
        lock (_gate)
        {
            foreach (var (cluster, entry) in _entries)
                Apply(ClusterChange.Fleet, cluster, entry);
        }
    }

    /// <summary>A known Cluster is due: it is its turn.</summary>
    public void Enqueue(ClusterKey cluster)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(cluster, out var entry))
                Apply(ClusterChange.Fleet, cluster, entry);
        }
    }

    /// <summary>A Cluster was seen; it is due at once when it is new or its fingerprint changed.</summary>
    public void EnqueueCluster(ClusterKey cluster, int fingerprint)
    {
        lock (_gate)
        {
            var entry = GetOrAdd(cluster);
            if (entry.ClusterFingerprint == fingerprint)
                return;
            entry.ClusterFingerprint = fingerprint;
            Apply(ClusterChange.Cluster, cluster, entry);
        }
    }

    /// <summary>Its HelmChartProxy was seen, or is gone (null). Ignored for an unknown Cluster.</summary>
    public void EnqueueRelease(ClusterKey cluster, int? fingerprint)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(cluster, out var entry) || entry.ReleaseFingerprint == fingerprint)
                return;
            entry.ReleaseFingerprint = fingerprint;
            Apply(ClusterChange.Release, cluster, entry);
        }
    }

    /// <summary>The Cluster is gone.</summary>
    public void Forget(ClusterKey cluster)
    {
        lock (_gate)
            Remove(cluster);
    }

    /// <summary>Forgets the Clusters of a namespace (null: all) that are not in a complete list.</summary>
    public void Retain(string? @namespace, IReadOnlySet<ClusterKey> listed)
    {
        lock (_gate)
        {
            List<ClusterKey> gone = [
                .. _entries.Keys.Where(key => (@namespace is null || key.Namespace == @namespace) && !listed.Contains(key))];
            gone.ForEach(Remove);
            _listed.Add(@namespace ?? "");
        }
    }

    /// <summary>Waits for the next reconcile that is due.</summary>
    public async Task<ReconcileRequest> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            TimeSpan? wait;
            lock (_gate)
            {
                if (TryTake(out var request))
                    return request;
                changed = _signal.Next;
                wait = _tickets.TryPeek(out var next, out _) ? next.Due - Now : null;
            }

            await _signal.WaitAsync(changed, wait, cancellationToken);
        }
    }

    /// <summary>A reconcile ended.</summary>
    /// <param name="request">The reconcile.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="next">When the Cluster is due again if it is settled and nothing happens.</param>
    public void Done(ReconcileRequest request, ReconcileOutcome outcome, DateTimeOffset next)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(request.Cluster, out var entry) || !entry.IsRunning)
                return;
            if (entry.HoldsLimitedWorker)
                _limitedRunning--;
            _namespaces[request.Cluster.Namespace].Running--;
            var now = Now;
            entry.VolumesAt = request.NextVolumes;
            var due = entry.End(outcome, request.Verify ? now + options.Verify : null, next, now);
            if (entry.IsGone)
                Remove(request.Cluster);
            else
                Schedule(request.Cluster, entry, due);
            _signal.Set();
        }
    }

    private QueueEntry GetOrAdd(ClusterKey cluster)
    {
        if (_entries.TryGetValue(cluster, out var entry))
        {
            entry.IsGone = false;
            return entry;
        }

        if (!_namespaces.TryGetValue(cluster.Namespace, out var load))
            _namespaces[cluster.Namespace] = load = new NamespaceLoad();
        load.Known++;
        // Spread, and not in the first half of the interval: a new leader need not check the whole fleet at once.
        var now = Now;
        var verifyAt = now + (options.Verify * (0.5 + Random.Shared.NextDouble()));
        var volumesAt = options.VolumeInterval > TimeSpan.Zero
            ? now + (options.VolumeInterval * (0.5 + (0.5 * Random.Shared.NextDouble()))) : DateTimeOffset.MaxValue;
        return _entries[cluster] = new QueueEntry(verifyAt, volumesAt);
    }

    private void Apply(ClusterChange change, ClusterKey cluster, QueueEntry entry)
    {
        if (entry.Apply(change, Now) is { } due)
            Schedule(cluster, entry, due < entry.Due ? due : entry.Due);
        _signal.Set();
    }

    private void Schedule(ClusterKey cluster, QueueEntry entry, DateTimeOffset due)
    {
        entry.Due = due;
        if (entry.LinedUpAsLimited != entry.IsLimited || due > Now)
            _tickets.Enqueue((cluster, due), due);
    }

    private bool TryTake(out ReconcileRequest request)
    {
        var now = Now;
        while (_tickets.TryPeek(out var ticket, out _))
        {
            var entry = _entries.GetValueOrDefault(ticket.Cluster);
            var isVoid = entry is null || entry.Due != ticket.Due || entry.IsRunning;
            if (!isVoid && ticket.Due > now)
                break;
            _tickets.Dequeue();
            if (!isVoid)
                LineUp(ticket.Cluster, entry!);
        }

        return TryTake(_ready, false, now, out request)
            || (_limitedRunning < HalfOfWorkers && TryTake(_limited, true, now, out request));
    }

    private void LineUp(ClusterKey cluster, QueueEntry entry)
    {
        if (entry.LinedUpAsLimited == entry.IsLimited)
            return;
        (entry.IsLimited ? _limited : _ready).Enqueue(cluster);
        entry.LinedUpAsLimited = entry.IsLimited;
    }

    private bool TryTake(DueClusters line, bool isLimited, DateTimeOffset now, out ReconcileRequest request)
    {
        while (line.TryDequeue(HasRoom, out var cluster))
        {
            // A place in the other line, or one that was left behind by a reconcile since, is void.
            if (!_entries.TryGetValue(cluster.Value, out var entry) || entry.LinedUpAsLimited != isLimited)
                continue;
            entry.LinedUpAsLimited = null;
            if (entry.IsRunning || entry.Due > now)
                continue;
            var verify = entry.Begin(now);
            _limitedRunning += entry.HoldsLimitedWorker ? 1 : 0;
            _namespaces[cluster.Value.Namespace].Running++;
            var readsVolumes = entry.VolumesAt <= now;
            request = new ReconcileRequest(cluster.Value, verify && options.Verify > TimeSpan.Zero)
            {
                ReadsVolumes = readsVolumes,
                NextVolumes = readsVolumes ? now + options.VolumeInterval : entry.VolumesAt,
            };
            return true;
        }

        request = default;
        return false;
    }

    /// <summary>A namespace that is the only one may have all workers. One whose Clusters have all left has nothing to take.</summary>
    private bool HasRoom(string @namespace) =>
        _namespaces.Count < 2 || !_namespaces.TryGetValue(@namespace, out var load) || load.Running < HalfOfWorkers;

    private void Remove(ClusterKey cluster)
    {
        if (!_entries.TryGetValue(cluster, out var entry))
            return;
        if (entry.IsRunning)
        {
            entry.IsGone = true;
            return;
        }

        _entries.Remove(cluster);
        if (--_namespaces[cluster.Namespace].Known == 0)
            _namespaces.Remove(cluster.Namespace);
        forget?.Invoke(cluster);
    }
}
