using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>What the last reconciles found: a few numbers per Cluster, and only while this replica leads.</summary>
internal sealed class ReconcilerMetrics : IMetricsSource
{
    /// <summary>Upper bounds in seconds: from a reconcile that finds nothing to do to the limit of one.</summary>
    private static readonly double[] Bounds = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

    private static readonly ClusterPhase[] Phases = Enum.GetValues<ClusterPhase>();

    private readonly Lock _gate = new();
    private readonly Dictionary<ClusterKey, ClusterSample> _entries = [];
    private readonly long[] _reconciles = new long[Phases.Length];
    private readonly DurationHistogram _durations = new(Bounds);
    private long _errors;
    private ReconcileQueue? _queue;
    private volatile RotationReport? _root;
    private volatile RolloutReport? _rollout;

    /// <summary>This replica starts to lead, with this queue, or stops (null); what it knew is no longer shown then.</summary>
    public void Lead(ReconcileQueue? queue)
    {
        lock (_gate)
        {
            _queue = queue;
            (_root, _rollout) = (null, null);
            _entries.Clear();
        }
    }

    /// <summary>A reconcile ended. What it did not learn about the certificate stays as it was.</summary>
    public void Record(ReconcileResult result, TimeSpan took)
    {
        Interlocked.Increment(ref _reconciles[(int)result.Phase]);
        _durations.Record(took);
        lock (_gate)
        {
            if (result.Phase == ClusterPhase.Gone)
                _entries.Remove(result.Cluster);
            else
                _entries[result.Cluster] = new ClusterSample(
                    result.Phase, result.Rotation, NotAfterOf(result)) { Volumes = VolumesOf(result) };
        }
    }

    /// <summary>The volumes of a Cluster's registry were read.</summary>
    public void Record(ClusterKey cluster, IReadOnlyList<VolumeUsage> volumes)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(cluster, out var entry))
                _entries[cluster] = entry with { Volumes = volumes };
        }
    }

    /// <summary>The root was checked.</summary>
    public void Record(RotationReport report) => _root = report;

    /// <summary>Registries were counted.</summary>
    public void Record(RolloutReport report) => _rollout = report;

    /// <summary>A reconcile met an unexpected fault.</summary>
    public void RecordError() => Interlocked.Increment(ref _errors);

    /// <summary>The Cluster is gone.</summary>
    public void Forget(ClusterKey cluster)
    {
        lock (_gate)
            _entries.Remove(cluster);
    }

    public void WriteTo(MetricsText text)
    {
        var (queue, entries) = Snapshot();
        text.Family(ServiceMetrics.Leader);
        text.Sample(ServiceMetrics.Leader, queue is null ? 0 : 1);
        WriteReconciles(text);
        if (queue is null)
            return;
        text.Family(ServiceMetrics.QueueDepth);
        text.Sample(ServiceMetrics.QueueDepth, queue.Depth);
        WriteClusters(text, entries);
        WriteVolumes(text, entries);
        WriteRotation(text, entries);
        WriteRollout(text);
    }

    private void WriteRollout(MetricsText text)
    {
        var rollout = _rollout;
        text.Family(ServiceMetrics.RolloutClusters);
        foreach (var (state, count) in rollout?.Counts ?? new Dictionary<RolloutState, int>())
            text.Sample(ServiceMetrics.RolloutClusters, count, state == RolloutState.InProgress ? "in_progress" : LabelOf(state));
        text.Family(ServiceMetrics.RolloutStopped);
        if (rollout is not null)
            text.Sample(ServiceMetrics.RolloutStopped, rollout.IsStopped ? 1 : 0);
    }

    private void WriteRotation(MetricsText text, List<(ClusterKey Cluster, ClusterSample Entry)> entries)
    {
        var counts = entries.CountBy(entry => entry.Entry.Rotation).ToDictionary();
        text.Family(ServiceMetrics.RotationClusters);
        foreach (var phase in Enum.GetValues<RotationPhase>())
            text.Sample(ServiceMetrics.RotationClusters, counts.GetValueOrDefault(phase), phase.ToString().ToLowerInvariant());
        text.Family(ServiceMetrics.RootGeneration);
        text.Family(ServiceMetrics.RootEnd);
        text.Family(ServiceMetrics.RotationBlocked);
        if (_root is not { NotAfter: { } notAfter } root)
            return;
        text.Sample(ServiceMetrics.RootGeneration, root.Generation);
        text.Sample(ServiceMetrics.RootEnd, notAfter.ToUnixTimeSeconds());
        text.Sample(ServiceMetrics.RotationBlocked, root.Problem is null ? 0 : 1);
    }

    /// <summary>A certificate ends however its cluster fares, unless the registry is gone.</summary>
    private DateTimeOffset? NotAfterOf(ReconcileResult result) =>
        result.Certificate?.NotAfter
        ?? (result.Phase == ClusterPhase.Off ? null : _entries.GetValueOrDefault(result.Cluster).NotAfter);

    /// <summary>What was read is newer than what a reconcile finds written down, which leaves small changes out.</summary>
    private IReadOnlyList<VolumeUsage>? VolumesOf(ReconcileResult result) => result.Phase == ClusterPhase.Off
        ? null : _entries.GetValueOrDefault(result.Cluster).Volumes ?? result.Volumes;

    private (ReconcileQueue? Queue, List<(ClusterKey Cluster, ClusterSample Entry)> Entries) Snapshot()
    {
        lock (_gate)
            return (_queue, _queue is null ? [] : [.. _entries.Select(entry => (entry.Key, entry.Value))]);
    }

    private void WriteReconciles(MetricsText text)
    {
        text.Family(ServiceMetrics.Reconciles);
        foreach (var phase in Phases)
            text.Sample(ServiceMetrics.Reconciles, Interlocked.Read(ref _reconciles[(int)phase]), LabelOf(phase));
        text.Sample(ServiceMetrics.Reconciles, Interlocked.Read(ref _errors), "error");
        text.Family(ServiceMetrics.ReconcileDuration);
        _durations.WriteTo(text, ServiceMetrics.ReconcileDuration);
    }

    private static void WriteClusters(MetricsText text, List<(ClusterKey Cluster, ClusterSample Entry)> entries)
    {
        var counts = entries.CountBy(entry => entry.Entry.Phase).ToDictionary();
        text.Family(ServiceMetrics.Clusters);
        foreach (var phase in Phases.Where(phase => phase != ClusterPhase.Gone))
            text.Sample(ServiceMetrics.Clusters, counts.GetValueOrDefault(phase), LabelOf(phase));
        text.Family(ServiceMetrics.ClusterCertificate);
        foreach (var (cluster, entry) in entries)
        {
            if (entry.NotAfter is { } notAfter)
                text.Sample(ServiceMetrics.ClusterCertificate, notAfter.ToUnixTimeSeconds(),
                    cluster.Namespace, cluster.Name);
        }
    }

    private static void WriteVolumes(MetricsText text, List<(ClusterKey Cluster, ClusterSample Entry)> entries)
    {
        Write(ServiceMetrics.VolumeCapacity, volume => volume.Capacity);
        Write(ServiceMetrics.VolumeUsed, volume => volume.Used);
        Write(ServiceMetrics.VolumeInodes, volume => volume.Inodes);
        Write(ServiceMetrics.VolumeInodesUsed, volume => volume.InodesUsed);

        void Write(Metric metric, Func<VolumeUsage, long> valueOf)
        {
            text.Family(metric);
            foreach (var (cluster, entry) in entries)
            {
                foreach (var volume in entry.Volumes ?? [])
                    text.Sample(metric, valueOf(volume), cluster.Namespace, cluster.Name, volume.Pod);
            }
        }
    }

    private static string LabelOf<TEnum>(TEnum phase)
        where TEnum : struct, Enum => phase.ToString().ToLowerInvariant();
}

/// <summary>What is remembered of a Cluster.</summary>
/// <param name="Phase">Where its registry stands.</param>
/// <param name="Rotation">Where it is in a rotation of the root.</param>
/// <param name="NotAfter">When its certificate ends; null where none is known.</param>
internal readonly record struct ClusterSample(ClusterPhase Phase, RotationPhase Rotation, DateTimeOffset? NotAfter)
{
    /// <summary>How full its volumes are; null where that is not known.</summary>
    public IReadOnlyList<VolumeUsage>? Volumes { get; init; }
}
