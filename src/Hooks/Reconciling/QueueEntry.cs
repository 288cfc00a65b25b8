using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>What is known of a Cluster between two reconciles. Guarded by the lock of the queue.</summary>
/// <param name="verifyAt">When the certificate on the workload cluster is checked first.</param>
/// <param name="volumesAt">When the fill level of the volumes is read first.</param>
internal sealed class QueueEntry(DateTimeOffset verifyAt, DateTimeOffset volumesAt)
{
    /// <summary>
    /// A reconcile that takes longer than this occupies a worker for too long to be repeated without limit. One that calls a workload
    /// cluster takes a second or two.
    /// </summary>
    private static readonly TimeSpan SlowAfter = TimeSpan.FromSeconds(3);

    private DateTimeOffset _verifyAt = verifyAt;
    private DateTimeOffset _startedAt = DateTimeOffset.MinValue;
    private DateTimeOffset? _waitingSince;
    private ClusterChange _change;
    private DateTimeOffset _forgivenAt = DateTimeOffset.MinValue;
    private int _failures;
    private bool _isSlow;

    /// <summary>When the next reconcile is due.</summary>
    public DateTimeOffset Due { get; set; } = DateTimeOffset.MaxValue;

    /// <summary>A reconcile is under way.</summary>
    public bool IsRunning { get; private set; }

    /// <summary>A reconcile has ended, with whatever outcome.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The Cluster is gone; a reconcile that is under way is the last.</summary>
    public bool IsGone { get; set; }

    /// <summary>
    /// The last reconcile failed or was slow, so the Cluster competes for half of the workers only. A change may be the correction of what
    /// failed and ends that, but not soon again, and not for one that is slow: who touches such Clusters all the time would have all
    /// workers.
    /// </summary>
    public bool IsLimited { get; private set; }

    /// <summary>The reconcile under way counts against the half of the workers that limited Clusters may have.</summary>
    public bool HoldsLimitedWorker { get; private set; }

    /// <summary>It stands in line for a worker, in the line for limited Clusters or in the other one; null when in none.</summary>
    public bool? LinedUpAsLimited { get; set; }

    /// <summary>What was last seen of the Cluster.</summary>
    public int? ClusterFingerprint { get; set; }

    /// <summary>What was last seen of its HelmChartProxy.</summary>
    public int? ReleaseFingerprint { get; set; }

    /// <summary>When the fill level of the volumes is due to be read.</summary>
    public DateTimeOffset VolumesAt { get; set; } = volumesAt;

    /// <summary>Begins a reconcile; true when it has to check the certificate on the workload cluster.</summary>
    public bool Begin(DateTimeOffset now)
    {
        IsRunning = true;
        HoldsLimitedWorker = IsLimited;
        _startedAt = now;
        _change = ClusterChange.None;
        return _verifyAt <= now;
    }

    /// <summary>Something changed.</summary>
    /// <returns>When the Cluster is due; null while a reconcile runs, which is then followed by another one.</returns>
    public DateTimeOffset? Apply(ClusterChange change, DateTimeOffset now)
    {
        if (IsRunning)
        {
            _change = change > _change ? change : _change;
            return null;
        }

        return DueAfter(change, now);
    }

    /// <summary>A reconcile ended.</summary>
    /// <param name="outcome">How.</param>
    /// <param name="nextVerify">When the certificate is checked again; null when this reconcile did not check it.</param>
    /// <param name="next">When the Cluster is due again if it is settled and nothing happens.</param>
    /// <param name="now">Now.</param>
    /// <returns>When the Cluster is due.</returns>
    public DateTimeOffset End(ReconcileOutcome outcome, DateTimeOffset? nextVerify, DateTimeOffset next, DateTimeOffset now)
    {
        (IsRunning, HasEnded, HoldsLimitedWorker) = (false, true, false);
        if (outcome == ReconcileOutcome.Settled && nextVerify is { } verify)
            _verifyAt = verify;
        _waitingSince = outcome == ReconcileOutcome.Waiting ? _waitingSince ?? now : null;
        var isFailure = outcome == ReconcileOutcome.Failed || now - _waitingSince >= BackoffPolicy.WaitingLimit;
        _failures = isFailure ? _failures + 1 : 0;
        _isSlow = now - _startedAt > SlowAfter;
        IsLimited = isFailure || _isSlow;
        if (_change != ClusterChange.None)
            return DueAfter(_change, now);
        if (isFailure)
            return now + BackoffPolicy.PauseAfter(_failures, Random.Shared.NextDouble());
        return outcome == ReconcileOutcome.Waiting ? now + BackoffPolicy.PauseOfWaiting(now - _waitingSince!.Value) : next;
    }

    /// <summary>
    /// A change of the Cluster may be the correction of what failed, so it resets the backoff. The HelmChartProxy is also changed by its
    /// own controller and by this service, so at most one reconcile per second follows from that.
    /// </summary>
    private DateTimeOffset DueAfter(ClusterChange change, DateTimeOffset now)
    {
        if (change == ClusterChange.Cluster)
        {
            (_failures, _waitingSince) = (0, null);
            if (IsLimited && !_isSlow && now - _forgivenAt >= BackoffPolicy.Longest)
                (IsLimited, _forgivenAt) = (false, now);
            return now;
        }

        return change == ClusterChange.Release && now - _startedAt < BackoffPolicy.First ? _startedAt + BackoffPolicy.First : now;
    }
}

/// <summary>What changed about a Cluster; the stronger one counts.</summary>
internal enum ClusterChange
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Its HelmChartProxy.</summary>
    Release,

    /// <summary>Something that concerns all Clusters.</summary>
    Fleet,

    /// <summary>The Cluster itself.</summary>
    Cluster,
}

/// <summary>How a reconcile ended, as the queue sees it.</summary>
internal enum ReconcileOutcome
{
    /// <summary>Nothing is left to do before something changes or the next resync.</summary>
    Settled,

    /// <summary>Something under way has to end first.</summary>
    Waiting,

    /// <summary>It is to be retried with exponential backoff.</summary>
    Failed,
}

/// <summary>A reconcile to be done.</summary>
/// <param name="Cluster">Of which Cluster.</param>
/// <param name="Verify">True to check the certificate on the workload cluster in any case.</param>
internal readonly record struct ReconcileRequest(ClusterKey Cluster, bool Verify)
{
    /// <summary>True to read the fill level of its volumes afterwards.</summary>
    public bool ReadsVolumes { get; init; }

    /// <summary>When that is due again.</summary>
    public DateTimeOffset NextVolumes { get; init; } = DateTimeOffset.MaxValue;
}
