using CapiRegistryHook.Registry;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>What the last passes found, for metrics: a few numbers per Cluster.</summary>
internal sealed class FleetBook
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ClusterKey, BookEntry> _entries = [];

    /// <summary>Whether this replica reconciles.</summary>
    public bool IsLeading { get; private set; }

    /// <summary>This replica begins to reconcile, or ends: what it knew is then no longer its to tell.</summary>
    public void Lead(bool leading)
    {
        lock (_gate)
        {
            IsLeading = leading;
            _entries.Clear();
        }
    }

    /// <summary>A pass has ended.</summary>
    public void Enter(ClusterStatus status, TimeSpan took)
    {
        lock (_gate)
        {
            if (status.Phase == ClusterPhase.Gone)
                _entries.Remove(status.Cluster);
            else
                _entries[status.Cluster] = new BookEntry(status.Phase, status.Certificate?.NotAfter);
        }
    }
}

/// <summary>What is remembered of a Cluster.</summary>
/// <param name="Phase">Where its registry stands.</param>
/// <param name="NotAfter">When its certificate ends; null where none is known.</param>
internal readonly record struct BookEntry(ClusterPhase Phase, DateTimeOffset? NotAfter);
