namespace CapiRegistryHook.Harness.Embedded;

/// <summary>One committed write. A delete has no After; its Before carries the revision of the delete, as a watcher is to see it.</summary>
internal sealed record StoreEvent(StoredObject? Before, StoredObject? After, Snapshot Snapshot)
{
    public long Revision => Snapshot.Revision;
}

/// <summary>
/// The etcd of this server: one revision counter over everything, one writer at a time, a bounded history for watches and for paging.
/// Readers take a snapshot and never wait.
/// </summary>
internal sealed class ObjectStore
{
    private readonly Lock _gate = new();
    private readonly int _historyLimit;
    private readonly List<StoreEvent> _history = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _compacted = Snapshot.Empty.Revision;

    public ObjectStore(int historyLimit) => _historyLimit = historyLimit;

    public Snapshot Current { get; private set; } = Snapshot.Empty;

    /// <summary>
    /// Runs a read-modify-write with nobody else writing. What it commits is not taken back when it throws later: refuse first, then write.
    /// </summary>
    public T Write<T>(Func<StoreWriter, T> change)
    {
        TaskCompletionSource? signal = null;
        try
        {
            lock (_gate)
            {
                var writer = new StoreWriter(this);
                try
                {
                    return change(writer);
                }
                finally
                {
                    if (writer.HasWritten) (signal, _changed) = (_changed, new(TaskCreationOptions.RunContinuationsAsynchronously));
                }
            }
        }
        finally
        {
            signal?.SetResult();
        }
    }

    /// <summary>
    /// The events after a revision, null when history no longer reaches back to it, and a task that ends with the next write.
    /// </summary>
    public (IReadOnlyList<StoreEvent>? Events, long Revision, Task Changed) EventsAfter(long revision)
    {
        lock (_gate)
        {
            if (revision < _compacted) return (null, Current.Revision, _changed.Task);
            var from = _history.FindLastIndex(entry => entry.Revision <= revision) + 1;
            return (_history[from..], Math.Max(revision, Current.Revision), _changed.Task);
        }
    }

    /// <summary>The objects as of a revision, or null when it is compacted.</summary>
    public Snapshot? At(long revision)
    {
        lock (_gate)
        {
            return revision == Current.Revision ? Current : _history.Find(entry => entry.Revision == revision)?.Snapshot;
        }
    }

    public void Compact()
    {
        lock (_gate)
        {
            _history.Clear();
            _compacted = Current.Revision;
        }
    }

    internal void Commit(StoredObject? before, StoredObject? after, Snapshot snapshot)
    {
        Current = snapshot;
        _history.Add(new StoreEvent(before, after, snapshot));
        if (_history.Count <= _historyLimit) return;
        // Half at once, so that trimming a long list is not paid for on every write.
        var drop = _historyLimit / 2;
        _compacted = _history[drop - 1].Revision;
        _history.RemoveRange(0, drop);
    }
}
