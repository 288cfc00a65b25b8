using CapiRegistryHook.Delivery.Clusters;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Dashboard.Catalogue;

/// <summary>
/// Keeps the tunnels to the registries that are being looked at, so that not every page of tags opens new ones. Those that nobody used
/// for a while, and the least recently used ones beyond a few, are closed. Safe for several calls at once.
/// </summary>
/// <param name="targets">Opens them.</param>
/// <param name="time">The clock.</param>
internal sealed class OpenRegistries(ClusterTargets targets, TimeProvider time) : IDisposable
{
    private const int Most = 4;

    private static readonly TimeSpan LongestIdle = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private readonly Dictionary<ClusterKey, Entry> _entries = [];

    /// <summary>Uses the registry of a Cluster.</summary>
    public async Task<T> UseAsync<T>(
        ClusterKey cluster, Func<RegistryTarget, CancellationToken, Task<T>> use, CancellationToken cancellationToken)
    {
        var entry = Take(cluster);
        try
        {
            return await use(await entry.Target.Value.WaitAsync(cancellationToken), cancellationToken);
        }
        catch when (!cancellationToken.IsCancellationRequested)
        {
            // The next call begins with new tunnels, and reads anew where they lead.
            Drop(cluster, entry);
            throw;
        }
        finally
        {
            Release(entry);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var entry in _entries.Values)
                entry.Close();
            _entries.Clear();
        }
    }

    private Entry Take(ClusterKey cluster)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(cluster, out var entry))
            {
                // Whoever waits may leave; the others still want it.
                entry = new Entry(new Lazy<Task<RegistryTarget>>(() => targets.OpenAsync(cluster, CancellationToken.None)));
                _entries.Add(cluster, entry);
            }

            entry.Users++;
            return entry;
        }
    }

    private void Release(Entry entry)
    {
        lock (_gate)
        {
            entry.Users--;
            entry.LastUse = time.GetUtcNow();
            var idle = _entries.Where(other => other.Value.Users == 0).OrderByDescending(other => other.Value.LastUse).ToList();
            foreach (var (cluster, other) in idle.Where(
                (other, index) => index >= Most || entry.LastUse - other.Value.LastUse > LongestIdle))
            {
                _entries.Remove(cluster);
                other.Close();
            }

            if (entry is { IsDropped: true, Users: 0 })
                entry.Close();
        }
    }

    private void Drop(ClusterKey cluster, Entry entry)
    {
        lock (_gate)
        {
            entry.IsDropped = true;
            if (_entries.GetValueOrDefault(cluster) == entry)
                _entries.Remove(cluster);
        }
    }

    private sealed class Entry(Lazy<Task<RegistryTarget>> target)
    {
        public Lazy<Task<RegistryTarget>> Target => target;

        public int Users { get; set; }

        public DateTimeOffset LastUse { get; set; }

        public bool IsDropped { get; set; }

        public void Close()
        {
            if (target.IsValueCreated)
                _ = target.Value.ContinueWith(
                    opened => opened.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion,
                    TaskScheduler.Default);
        }
    }
}
