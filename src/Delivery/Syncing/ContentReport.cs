using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>
/// Makes the status of a RegistryContent. Sentences are fixed: the same state gives the same text. Pure.
/// </summary>
internal static class ContentReport
{
    /// <summary>The shortest time between two writes of one status.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <summary>The status now; null while it is better left as it is.</summary>
    /// <param name="state">What is known of the content.</param>
    /// <param name="clusters">The Clusters that it selects, those without a registry left out.</param>
    /// <param name="now">The time.</param>
    /// <param name="isStarting">Whether the process leads since a moment only: what it does not know yet may be as it was.</param>
    public static RegistryContentStatus? Make(ContentState state, IReadOnlyList<ContentCluster> clusters,
        DateTimeOffset now, bool isStarting)
    {
        var counted = Count(state, clusters);
        var isKnown = state.Written is { } written && written.ObservedGeneration == state.Content.Metadata.Generation;
        var isUnresolved = state.IsValid && !ContentSelection.IsSuspended(state.Content) && state.Resolved is null
            && state.SourceProblem is null;
        var isSame = state.Written?.Lock?.Digest == state.Resolved?.Digest.ToString();
        if (isStarting && isKnown && state.WrittenAt is null && (isUnresolved || (isSame && counted.Unknown > 0)))
            return null;
        var isCurrent = state.Resolved is not null && state.ResolvedGeneration == state.Content.Metadata.Generation;
        return new RegistryContentStatus
        {
            ObservedGeneration = state.Content.Metadata.Generation,
            Lock = isCurrent ? new ResolvedLock(state.Resolved!.Digest.ToString(), state.Resolved.Entries.Count)
                : isKnown ? state.Written!.Lock : null,
            Clusters = new ClusterCounts(clusters.Count, counted.Complete, counted.Failing.Count),
            Failing = [.. counted.Failing.Take(RegistryContentStatus.MostFailing)],
            LastSyncTime = state.LastSync is { } sync ? Seconds(sync) : null,
            Conditions = [Ready(state, clusters.Count, counted, now), SourceReady(state, now)],
        };
    }

    /// <summary>How many Clusters there are.</summary>
    public static ClusterCounts CountClusters(ContentState state, IReadOnlyList<ContentCluster> clusters)
    {
        var counted = Count(state, clusters);
        return new ClusterCounts(clusters.Count, counted.Complete, counted.Failing.Count);
    }

    /// <summary>Whether two statuses say the same.</summary>
    public static bool Equals(RegistryContentStatus? one, RegistryContentStatus? other) =>
        one is not null && other is not null && one.ObservedGeneration == other.ObservedGeneration && one.Lock == other.Lock
        && one.Clusters == other.Clusters && one.LastSyncTime == other.LastSyncTime
        && (one.Failing ?? []).SequenceEqual(other.Failing ?? []) && (one.Conditions ?? []).SequenceEqual(other.Conditions ?? []);

    private static (int Complete, int Unknown, List<FailingCluster> Failing) Count(
        ContentState state, IReadOnlyList<ContentCluster> clusters)
    {
        var (complete, unknown, failing) = (0, 0, new List<FailingCluster>());
        foreach (var cluster in clusters.OrderBy(cluster => cluster.Key.ToString(), StringComparer.Ordinal))
        {
            if (!state.Results.TryGetValue(cluster.Key, out var result))
                unknown++;
            else if (result.Reason is { } reason)
                failing.Add(new FailingCluster(cluster.Key.ToString(), FieldText.Sentence(reason)));
            else if (result.IsComplete && result.Digest == state.Resolved?.Digest)
                complete++;
        }

        return (complete, unknown, failing);
    }

    private static ContentCondition Ready(ContentState state, int matched,
        (int Complete, int Unknown, List<FailingCluster> Failing) counted, DateTimeOffset now)
    {
        var (isReady, reason, message) = !state.IsValid ? (false, "Invalid", state.Problems)
            : ContentSelection.IsSuspended(state.Content) ? (false, "Suspended", "Nothing is sent while spec.suspend is true.")
            : state.Resolved is null || state.ResolvedGeneration != state.Content.Metadata.Generation
                ? state.SourceProblem is null ? (false, "Resolving", "The source is being asked.")
                    : (false, "SourceUnavailable", "The content is not known, because its source can't be used.")
            : matched == 0 ? (true, "NoClusters", "No Cluster with a registry is selected.")
            : counted.Failing.Count > 0 ? (false, "ClustersFailing",
                $"{counted.Complete} of {matched} Clusters {Hold(counted.Complete)} the content, {counted.Failing.Count} "
                    + $"{(counted.Failing.Count == 1 ? "fails" : "fail")}.")
            : counted.Complete < matched ? (false, "Syncing",
                $"{counted.Complete} of {matched} Clusters {Hold(counted.Complete)} the content.")
            : (true, "Complete", $"{matched} of {matched} Clusters {Hold(matched)} the content.");
        return Condition(state, RegistryContentStatus.Ready, isReady, reason, message, now);
    }

    private static string Hold(int count) => count == 1 ? "holds" : "hold";

    private static ContentCondition SourceReady(ContentState state, DateTimeOffset now)
    {
        var isCurrent = state.Resolved is not null && state.ResolvedGeneration == state.Content.Metadata.Generation;
        var (isReady, reason, message) = !state.IsValid ? (false, "Invalid", "The content can't be used.")
            : state.SourceProblem is { } problem ? (false, "SourceUnavailable", FieldText.Sentence(problem))
            : isCurrent ? (true, "Resolved", "The source answers, and the lock is resolved.")
            : (false, "Resolving", ContentSelection.IsSuspended(state.Content) ? "The source is not asked while spec.suspend is true."
                : "The source is being asked.");
        return Condition(state, RegistryContentStatus.SourceReady, isReady, reason, message, now);
    }

    private static ContentCondition Condition(
        ContentState state, string type, bool isTrue, string reason, string message, DateTimeOffset now)
    {
        var status = isTrue ? "True" : "False";
        var former = state.Written?.Conditions?.FirstOrDefault(condition => condition.Type == type);
        return new ContentCondition
        {
            Type = type, Status = status, Reason = reason, Message = message,
            ObservedGeneration = state.Content.Metadata.Generation ?? 0,
            LastTransitionTime = former?.Status == status ? former.LastTransitionTime : Seconds(now),
        };
    }

    // The API keeps whole seconds.
    private static DateTimeOffset Seconds(DateTimeOffset moment) => DateTimeOffset.FromUnixTimeSeconds(moment.ToUnixTimeSeconds());
}
