using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>What the syncer did, and how things stand while this process leads. Safe for several callers.</summary>
public sealed class SyncStatistics
{
    private readonly long[] _runs = new long[Enum.GetValues<SyncOutcome>().Length];
    private long _checks;
    private long _bytes;
    private volatile Snapshot? _source;

    /// <summary>Questions to registries whether they hold a content.</summary>
    public long Checks => Interlocked.Read(ref _checks);

    /// <summary>Bytes of blobs that were sent.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Works on a Cluster by how they ended: settled, waiting (to be filled), fetching (by itself) or failed.</summary>
    public IEnumerable<(string Result, long Count)> Runs =>
        [("settled", Count(SyncOutcome.Settled)), ("waiting", Count(SyncOutcome.WantsFill)),
            ("fetching", Count(SyncOutcome.Fetching)), ("failed", Count(SyncOutcome.Failed))];

    /// <summary>How things stand; null while this process does not lead.</summary>
    public SyncFigures? Read() => _source?.Invoke();

    internal delegate SyncFigures Snapshot();

    internal void Lead(Snapshot? source) => _source = source;

    internal void Check() => Interlocked.Increment(ref _checks);

    internal void Sent(long bytes) => Interlocked.Add(ref _bytes, bytes);

    internal void End(SyncOutcome outcome) => Interlocked.Increment(ref _runs[(int)outcome]);

    private long Count(SyncOutcome outcome) => Interlocked.Read(ref _runs[(int)outcome]);
}

/// <summary>How things stand.</summary>
/// <param name="Depth">Clusters that are due and wait for a worker.</param>
/// <param name="Running">Clusters that are worked on.</param>
/// <param name="Contents">Each RegistryContent.</param>
public sealed record SyncFigures(int Depth, int Running, IReadOnlyList<ContentFigures> Contents);

/// <summary>How one RegistryContent stands.</summary>
/// <param name="Key">The RegistryContent.</param>
/// <param name="Clusters">How many Clusters there are.</param>
/// <param name="IsSourceReady">Whether its source and its lock can be used; null while that is not known.</param>
public sealed record ContentFigures(ContentKey Key, ClusterCounts Clusters, bool? IsSourceReady);
