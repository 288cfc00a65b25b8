using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// Decides which installed registries may take the admin's new decisions. It counts what reconciles found on the objects, so that a
/// process that takes over counts the same once it has reconciled every Cluster.
/// </summary>
internal sealed class Rollout(RegistryOptions options, TimeProvider time)
{
    /// <summary>
    /// A change that takes longer has failed. The pods of nine replicas restart one after the other in a few minutes, and an image of
    /// 100 MB is pulled in less than that.
    /// </summary>
    public static readonly TimeSpan ProgressLimit = TimeSpan.FromMinutes(20);

    /// <summary>
    /// A Cluster that had its turn and could not be changed, because it is unreachable for example, lets others go first.
    /// </summary>
    public static readonly TimeSpan RetryPause = TimeSpan.FromMinutes(5);

    /// <summary>Why nothing is changed any more, for those that are the cause.</summary>
    public const string StopReason =
        "The rollout of the admin's values or of a new chart has stopped: too many registries did not come up with the change, this one "
            + "among them. Correct the values or the chart, or repair the registry.";

    private readonly Lock _gate = new();
    private readonly Dictionary<ClusterKey, Entry> _entries = [];
    private bool _isStopped;

    /// <summary>Whether a reconcile may bring a registry to the admin's decisions of today.</summary>
    /// <param name="cluster">Whose registry.</param>
    /// <param name="progress">What its HelmChartProxy says.</param>
    public bool Allows(ClusterKey cluster, ReleaseProgress progress)
    {
        if (options.Rollout != RolloutMode.Paced || progress.Served is null)
            return options.Rollout == RolloutMode.Immediately || progress.Served is null;
        lock (_gate)
        {
            // A registry that is being changed already takes no further place.
            return _entries.TryGetValue(cluster, out var entry) && (entry.TurnSince is not null || IsInProgress(entry, time.GetUtcNow()));
        }
    }

    /// <summary>A reconcile ended.</summary>
    /// <param name="cluster">Of which Cluster.</param>
    /// <param name="progress">What its HelmChartProxy says now; null when that is not known.</param>
    /// <param name="phase">How it ended.</param>
    /// <param name="startedAt">The clock's timestamp when it began; a turn that was given later still counts.</param>
    public void Record(ClusterKey cluster, ReleaseProgress? progress, ClusterPhase phase, long startedAt)
    {
        lock (_gate)
        {
            var known = _entries.GetValueOrDefault(cluster);
            if (phase is ClusterPhase.Gone or ClusterPhase.Off || (progress ?? known?.Progress) is not { } now)
            {
                _entries.Remove(cluster);
                return;
            }

            var turn = known?.TurnSince;
            var wasTaken = turn <= startedAt;
            _entries[cluster] = new Entry(now)
            {
                IsRefused = phase == ClusterPhase.Refused,
                IsLeftAlone = phase is ClusterPhase.Paused or ClusterPhase.Deleting or ClusterPhase.Invalid,
                TurnSince = wasTaken ? null : turn,
                TriedAt = wasTaken && !now.IsInProgress ? time.GetTimestamp() : known?.TriedAt,
            };
        }
    }

    /// <summary>Forgets a Cluster that is gone.</summary>
    public void Forget(ClusterKey cluster)
    {
        lock (_gate)
            _entries.Remove(cluster);
    }

    /// <summary>Forgets all Clusters: another process has changed them since.</summary>
    public void ForgetAll()
    {
        lock (_gate)
        {
            _entries.Clear();
            _isStopped = false;
        }
    }

    /// <summary>Counts, and gives turns to registries that wait.</summary>
    /// <param name="isCounted">False while Clusters are left that this process has not reconciled yet; then there are no turns.</param>
    public RolloutReport Advance(bool isCounted)
    {
        var target = ReleaseRevision.Of(options).Id;
        var now = time.GetUtcNow();
        lock (_gate)
        {
            var states = _entries.Select(entry => (entry.Key, entry.Value, State: StateOf(entry.Value, target, now))).ToList();
            var failed = states.Where(entry => entry.State == RolloutState.Failed).Select(entry => entry.Key).ToList();
            var inProgress = states.Count(entry => entry.State == RolloutState.InProgress);
            _isStopped = options.Rollout == RolloutMode.Paced && failed.Count >= options.RolloutMaxFailures;
            var turns = new List<ClusterKey>();
            if (options.Rollout == RolloutMode.Paced && isCounted && !_isStopped)
            {
                turns.AddRange(states
                    .Where(entry => entry is { State: RolloutState.Waiting, Value.IsLeftAlone: false } && MayTry(entry.Value))
                    .Select(entry => entry.Key)
                    .OrderBy(key => key.Namespace, StringComparer.Ordinal).ThenBy(key => key.Name, StringComparer.Ordinal)
                    .Take(options.RolloutConcurrency - inProgress));
                turns.ForEach(key => _entries[key] = _entries[key] with { TurnSince = time.GetTimestamp() });
            }

            return new RolloutReport(Count(states.Select(entry => entry.State)), failed, turns, _isStopped);
        }
    }

    /// <summary>Why the rollout has stopped, for a registry that is one of the reasons; null for all others.</summary>
    public string? StopReasonOf(ClusterKey cluster)
    {
        var target = ReleaseRevision.Of(options).Id;
        lock (_gate)
        {
            return _isStopped && _entries.TryGetValue(cluster, out var entry)
                && StateOf(entry, target, time.GetUtcNow()) == RolloutState.Failed
                ? StopReason
                : null;
        }
    }

    private bool MayTry(Entry entry) => entry.TriedAt is not { } tried || time.GetElapsedTime(tried) >= RetryPause;

    private static RolloutState StateOf(Entry entry, string target, DateTimeOffset now)
    {
        if (entry.TurnSince is not null || IsInProgress(entry, now))
            return RolloutState.InProgress;
        if (entry.Progress.Revision != target)
            return RolloutState.Waiting;
        return entry.Progress.IsInProgress && !entry.IsLeftAlone ? RolloutState.Failed : RolloutState.Current;
    }

    private static bool IsInProgress(Entry entry, DateTimeOffset now) =>
        entry is { Progress.IsInProgress: true, IsRefused: false, IsLeftAlone: false } && !entry.Progress.IsOverdue(ProgressLimit, now);

    private static Dictionary<RolloutState, int> Count(IEnumerable<RolloutState> states)
    {
        var counts = Enum.GetValues<RolloutState>().ToDictionary(state => state, _ => 0);
        foreach (var (state, count) in states.CountBy(state => state))
            counts[state] = count;
        return counts;
    }

    /// <summary>What the last reconcile found.</summary>
    private sealed record Entry(ReleaseProgress Progress)
    {
        /// <summary>A person has to act on it.</summary>
        public bool IsRefused { get; init; }

        /// <summary>The Cluster is not acted on, so nothing is known of its pods.</summary>
        public bool IsLeftAlone { get; init; }

        /// <summary>Since when the registry may be changed, as a timestamp of the clock; null when it is not its turn.</summary>
        public long? TurnSince { get; init; }

        /// <summary>When a turn ended that changed nothing, as a timestamp of the clock; null when none did.</summary>
        public long? TriedAt { get; init; }
    }
}
