using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>All contents and Clusters as the watches show them, and what was found out. Safe for several callers.</summary>
/// <param name="options">How the syncer works.</param>
/// <param name="sharedNamespaces">The namespaces whose contents may select Clusters of all namespaces.</param>
/// <param name="time">The clock.</param>
internal sealed class SyncModel(SyncOptions options, IReadOnlyList<string> sharedNamespaces, TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly ContentSelection _selection = new(sharedNamespaces);
    private readonly Dictionary<ContentKey, ContentState> _contents = [];
    private readonly Dictionary<ClusterKey, ContentCluster> _clusters = [];
    private readonly SteadyTime _steady = new(time);
    private readonly DateTimeOffset _began = time.GetUtcNow();

    /// <summary>How each content stands, in order of names.</summary>
    public IReadOnlyList<ContentFigures> ReadFigures()
    {
        lock (_gate)
        {
            return [.. _contents.Values.OrderBy(state => state.Content.Key.ToString(), StringComparer.Ordinal).Select(state =>
                new ContentFigures(state.Content.Key, ContentReport.CountClusters(state, [.. Selected(state)]),
                    state.SourceProblem is not null ? false : state.Resolved is null ? null : true))];
        }
    }

    /// <summary>A content was seen.</summary>
    /// <returns>True when more than its status changed: it has to be resolved, and its Clusters are due.</returns>
    public bool See(RegistryContent content)
    {
        lock (_gate)
        {
            var state = _contents.GetValueOrDefault(content.Key);
            if (state is null || state.Content.Metadata.Uid != content.Metadata.Uid)
            {
                // One that was deleted and created again has nothing to do with the former, whose generation may be the same.
                Forget(content.Key);
                _contents[content.Key] = new ContentState(content) { Problems = Check(content) };
                return true;
            }

            var isChanged = state.Content.Metadata.Generation != content.Metadata.Generation;
            state.Content = content;
            if (!isChanged)
                return false;
            state.Problems = Check(content);
            (state.ResolveAt, state.SourceFailures, state.IsDirty) = (_steady.GetUtcNow(), 0, true);
            if (!IsUsable(state))
                state.Withdraw();
            return true;
        }
    }

    /// <summary>A content is gone.</summary>
    public void Forget(ContentKey key)
    {
        lock (_gate)
        {
            if (_contents.Remove(key, out var state))
                state.Dispose();
        }
    }

    /// <summary>Forgets the contents of a namespace (null: all) that are not in a complete list.</summary>
    public void Retain(string? @namespace, IReadOnlySet<ContentKey> listed)
    {
        lock (_gate)
        {
            foreach (var key in _contents.Keys.Where(key => (@namespace is null || key.Namespace == @namespace) && !listed.Contains(key))
                .ToList())
                Forget(key);
        }
    }

    /// <summary>A Cluster was seen.</summary>
    /// <returns>Whether it is due: for nobody, for a change, or for somebody who waits.</returns>
    public (bool IsDue, bool IsUrgent) See(ContentCluster cluster)
    {
        lock (_gate)
        {
            var former = _clusters.GetValueOrDefault(cluster.Key);
            _clusters[cluster.Key] = cluster;
            var isUrgent = cluster.NeededFor is not null && cluster.NeededFor != former?.NeededFor;
            var isSame = former is not null && former.HasRegistry == cluster.HasRegistry && SameLabels(former.Labels, cluster.Labels);
            if (!isSame)
                Touch();
            return (!isSame || isUrgent, isUrgent);
        }
    }

    /// <summary>A Cluster is gone.</summary>
    public void Forget(ClusterKey key)
    {
        lock (_gate)
        {
            _clusters.Remove(key);
            foreach (var state in _contents.Values)
                state.Results.Remove(key);
            Touch();
        }
    }

    /// <summary>Forgets the Clusters of a namespace (null: all) that are not in a complete list, and names them.</summary>
    public IReadOnlyList<ClusterKey> Retain(string? @namespace, IReadOnlySet<ClusterKey> listed)
    {
        lock (_gate)
        {
            List<ClusterKey> gone = [
                .. _clusters.Keys.Where(key => (@namespace is null || key.Namespace == @namespace) && !listed.Contains(key))];
            gone.ForEach(Forget);
            return gone;
        }
    }

    /// <summary>The Clusters that a content selects, those without a registry left out.</summary>
    public IReadOnlyList<ClusterKey> ClustersOf(ContentKey key)
    {
        lock (_gate)
            return _contents.TryGetValue(key, out var state) ? [.. Selected(state).Select(cluster => cluster.Key)] : [];
    }

    /// <summary>
    /// What a Cluster has to get: resolved, not suspended, each held for the caller. What somebody waits for comes first, then by names.
    /// </summary>
    /// <param name="key">The Cluster.</param>
    /// <param name="onRead">Called while nothing changes: what changed before is in the result, what comes after is not.</param>
    public IReadOnlyList<WantedContent> ContentsOf(ClusterKey key, Action? onRead = null)
    {
        lock (_gate)
        {
            onRead?.Invoke();
            if (!_clusters.TryGetValue(key, out var cluster) || !cluster.HasRegistry)
                return [];
            return [.. _contents.Values
                .Where(state => state.Resolved is not null && state.ResolvedGeneration == state.Content.Metadata.Generation
                    && !ContentSelection.IsSuspended(state.Content)
                    && state.IsValid && _selection.SelectsIfValid(state.Content, key, cluster.Labels) && state.Resolved.TryHold())
                .OrderBy(state => cluster.NeededFor is { } version && ContentSelection.IsNeededFor(state.Content, version) ? 0 : 1)
                .ThenBy(state => state.Content.Key.ToString(), StringComparer.Ordinal)
                .Select(state => new WantedContent(state.Resolved!, state.Content.Spec!, state.Results.GetValueOrDefault(key))
                {
                    IsAwaited = cluster.NeededFor is not null, Withdrawn = state.Withdrawn,
                })];
        }
    }

    /// <summary>The contents beside one that select a Cluster, suspended and unresolved ones too.</summary>
    public IReadOnlyList<OtherContent> ContentsBeside(ContentKey content, ClusterKey key)
    {
        lock (_gate)
        {
            return !_clusters.TryGetValue(key, out var cluster) ? [] : [.. _contents.Values
                .Where(state => state.Content.Key != content && state.IsValid
                    && _selection.SelectsIfValid(state.Content, key, cluster.Labels))
                .Select(state => new OtherContent(state.Content.Key, state.Resolved?.Named ?? []))];
        }
    }

    /// <summary>The contents whose source is to be asked now; each is marked as being asked.</summary>
    /// <param name="most">How many at most.</param>
    public IReadOnlyList<(RegistryContent Content, ResolvedContent? Former)> TakeUnresolved(int most)
    {
        lock (_gate)
        {
            var now = _steady.GetUtcNow();
            var places = new ResolverPlaces(now, _contents.Keys.Select(key => key.Namespace).Distinct().Skip(1).Any());
            foreach (var state in _contents.Values)
            {
                if (state.ResolvingSince is { } since)
                    places.Add(state.Content.Key.Namespace, since);
            }

            List<ContentState> due = [.. _contents.Values
                .Where(state => state.ResolvingSince is null && state.ResolveAt <= now && IsUsable(state)).OrderBy(state => state.ResolveAt)
                .Where(state => places.TryTake(state.Content.Key.Namespace)).Take(most)];
            due.ForEach(state => state.ResolvingSince = now);
            return [.. due.Select(state => (state.Content, state.Resolved?.TryHold() == true ? state.Resolved : null))];
        }
    }

    /// <summary>A source was asked.</summary>
    /// <param name="asked">The content as it was then.</param>
    /// <param name="resolved">
    /// What it is, given away here unless it is what <see cref="TakeUnresolved"/> gave; null when it can't be used.
    /// </param>
    /// <param name="problem">Why not; null when it can.</param>
    /// <param name="isFormer">Whether it is what <see cref="TakeUnresolved"/> gave: nothing changed.</param>
    /// <param name="onOther">Called for each Cluster that has to get other content than before, while nothing changes.</param>
    /// <returns>True when registries have to get other content than before.</returns>
    public bool Resolve(
        RegistryContent asked, ResolvedContent? resolved, string? problem, bool isFormer, Action<ClusterKey>? onOther = null)
    {
        lock (_gate)
        {
            if (!_contents.TryGetValue(asked.Key, out var state) || state.Content.Metadata.Uid != asked.Metadata.Uid)
            {
                if (!isFormer)
                    resolved?.Dispose();
                return false;
            }

            var now = _steady.GetUtcNow();
            var isSettled = state.Content.Metadata.Generation == asked.Metadata.Generation;
            (state.ResolvingSince, state.IsDirty, state.SourceProblem) = (null, true, problem);
            state.SourceFailures = problem is null ? 0 : state.SourceFailures + 1;
            state.ResolveAt = !isSettled ? now : now + (problem is null ? options.Interval : SyncQueue.PauseAfter(state.SourceFailures));
            if (resolved is null)
                return false;
            var isOther = state.Resolved?.Digest != resolved.Digest || state.ResolvedGeneration != asked.Metadata.Generation;
            if (!isFormer)
            {
                state.Resolved?.Dispose();
                state.Resolved = resolved;
            }

            state.ResolvedGeneration = asked.Metadata.Generation ?? 0;
            foreach (var cluster in isOther ? Selected(state) : [])
                onOther?.Invoke(cluster.Key);
            return isOther;
        }
    }

    /// <summary>A try on a Cluster ended for one content.</summary>
    public void Record(ClusterKey cluster, ContentKey content, ClusterResult result, bool wrote)
    {
        lock (_gate)
        {
            if (!_contents.TryGetValue(content, out var state) || !_clusters.ContainsKey(cluster))
                return;
            if (state.Results.GetValueOrDefault(cluster) is not { } former || former with { VerifyAt = result.VerifyAt } != result)
                state.IsDirty = true;
            state.Results[cluster] = result;
            if (wrote)
                state.LastSync = time.GetUtcNow();
        }
    }

    /// <summary>The statuses that changed and are to be written now; each counts as written.</summary>
    public IReadOnlyList<(RegistryContent Content, RegistryContentStatus Status)> TakeStatuses()
    {
        lock (_gate)
        {
            var changed = new List<(RegistryContent, RegistryContentStatus)>();
            var now = _steady.GetUtcNow();
            foreach (var state in _contents.Values.Where(state => state.IsDirty && !(now - state.WrittenAt < ContentReport.Pause)))
            {
                if (ContentReport.Make(state, [.. Selected(state)], time.GetUtcNow(), isStarting: now - _began < options.Interval)
                    is not { } status)
                    continue;
                state.IsDirty = false;
                if (ContentReport.Equals(state.Written, status))
                    continue;
                (state.Written, state.WrittenAt) = (status, now);
                changed.Add((state.Content, status));
            }

            return changed;
        }
    }

    /// <summary>A status could not be written.</summary>
    public void Retry(ContentKey key)
    {
        lock (_gate)
        {
            if (_contents.TryGetValue(key, out var state))
                (state.IsDirty, state.Written) = (true, null);
        }
    }

    /// <summary>Frees the sources that nobody holds.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var key in _contents.Keys.ToList())
                Forget(key);
        }
    }

    private IEnumerable<ContentCluster> Selected(ContentState state) => state.IsValid
        ? _clusters.Values.Where(cluster => cluster.HasRegistry && _selection.SelectsIfValid(state.Content, cluster.Key, cluster.Labels))
        : [];

    private string Check(RegistryContent content) => Problem.Describe(ContentRules.Validate(content, sharedNamespaces));

    private static bool IsUsable(ContentState state) =>
        state.IsValid && state.Content.Metadata.DeletionTimestamp is null && !ContentSelection.IsSuspended(state.Content);

    private void Touch()
    {
        foreach (var state in _contents.Values)
            state.IsDirty = true;
    }

    private static bool SameLabels(IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        one.Count == other.Count && one.All(pair => other.GetValueOrDefault(pair.Key) == pair.Value);
}

/// <summary>Content that a Cluster has to get, held for whoever works on it.</summary>
/// <param name="Content">What it is.</param>
/// <param name="Spec">How it is to be delivered.</param>
/// <param name="Former">What the last try found; null for none.</param>
internal sealed record WantedContent(ResolvedContent Content, RegistryContentSpec Spec, ClusterResult? Former)
{
    /// <summary>Whether somebody waits for it, so that no window holds it up.</summary>
    public bool IsAwaited { get; init; }

    /// <summary>Cancelled when it is not wanted any more.</summary>
    public CancellationToken Withdrawn { get; init; }
}
