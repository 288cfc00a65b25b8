using System.Security.Cryptography;
using System.Text;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Events;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>
/// Records Events on Clusters: what was done, once; what is in the way, when that changes and again after six hours. The name of an Event
/// follows from its text and the quarter of the day, so that a process that restarts records nothing twice.
/// </summary>
internal sealed class ClusterEventRecorder(KubernetesClient management, TimeProvider time)
{
    private static readonly TimeSpan Repeat = TimeSpan.FromHours(6);
    private static readonly TimeSpan RecordLimit = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<ClusterKey, Problem> _problems = [];

    /// <summary>
    /// Records what a reconcile did and what is in its way. An Event that can't be written fails nothing: log and metrics say the same.
    /// </summary>
    public async Task RecordAsync(ReconcileContext context, ReconcileResult status, CancellationToken cancellationToken)
    {
        var events = ClusterEventRules.Of(context).ToList();
        if (ProblemOf(status) is { } problem)
            events.Add(problem);
        if (events.Count == 0)
            return;

        using var limit = new CancellationTokenSource(RecordLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        await CreateAsync(context.Cluster, events, either.Token);
    }

    /// <summary>
    /// Records what a hook did, in the words of the reconciler: an Event that both would create has the same name, and is created once.
    /// </summary>
    public Task RecordChangesAsync(ReconcileContext context, CancellationToken cancellationToken) =>
        CreateAsync(context.Cluster, [.. ClusterEventRules.Of(context)], cancellationToken);

    /// <summary>Forgets a Cluster that is gone.</summary>
    public void Forget(ClusterKey cluster)
    {
        lock (_gate)
            _problems.Remove(cluster);
    }

    /// <summary>Forgets all Clusters: another replica has reconciled them since.</summary>
    public void ForgetAll()
    {
        lock (_gate)
            _problems.Clear();
    }

    private Task CreateAsync(Cluster? cluster, IReadOnlyList<ClusterEvent> events, CancellationToken cancellationToken) =>
        cluster is null ? Task.CompletedTask : Task.WhenAll(events.Select(item => TryCreateAsync(cluster, item, cancellationToken)));

    private ClusterEvent? ProblemOf(ReconcileResult status)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            if (status.Phase is ClusterPhase.Ready or ClusterPhase.Off or ClusterPhase.Gone or ClusterPhase.Paused or ClusterPhase.Deleting)
            {
                _problems.Remove(status.Cluster);
                return null;
            }

            var known = _problems.TryGetValue(status.Cluster, out var former) && former.Phase == status.Phase
                ? former : new Problem(status.Phase, now);
            var item = ClusterEventRules.Of(status, now - known.Since);
            if (item is not null && (known.RecordedNote != item.Note || now - known.RecordedAt >= Repeat))
                known = known with { RecordedNote = item.Note, RecordedAt = now };
            else
                item = null;
            _problems[status.Cluster] = known;
            return item;
        }
    }

    private async Task TryCreateAsync(Cluster cluster, ClusterEvent item, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        try
        {
            var value = ClusterEventFactory.Create(cluster, NameOf(cluster, item, now), item, "reconciler", now);
            await management.CreateAsync(CoreResources.Events, value, ObjectLabels.FieldManager, cancellationToken);
        }
        catch (Exception exception) when (exception is KubernetesApiException or OperationCanceledException)
        {
            // It is there already, or it can't be written now.
        }
    }

    private static string NameOf(Cluster cluster, ClusterEvent item, DateTimeOffset now)
    {
        var text = $"{cluster.Metadata.Uid}\n{item.Reason}\n{item.Note}\n{now.UtcTicks / Repeat.Ticks}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
    }

    private sealed record Problem(ClusterPhase Phase, DateTimeOffset Since)
    {
        public string? RecordedNote { get; init; }

        public DateTimeOffset RecordedAt { get; init; }
    }
}
