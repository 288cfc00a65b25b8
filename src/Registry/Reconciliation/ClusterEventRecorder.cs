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
/// Tells people about their Clusters with Events: what was done once, and what is in the way when that changes, again after six hours. An
/// Event's name follows from what it says and from the quarter of the day, so that a process that starts anew tells nothing twice.
/// </summary>
internal sealed class ClusterEventRecorder(KubernetesClient management, TimeProvider time)
{
    private static readonly TimeSpan Repeat = TimeSpan.FromHours(6);
    private static readonly TimeSpan TellLimit = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<ClusterKey, Trouble> _troubles = [];

    /// <summary>
    /// Tells what a pass did and what is in its way. That it can't be told is no reason to fail: log and metrics say the same.
    /// </summary>
    public async Task TellAsync(ReconcileContext pass, ClusterStatus status, CancellationToken cancellationToken)
    {
        var news = ClusterEventRules.Of(pass).ToList();
        if (Complain(status) is { } complaint)
            news.Add(complaint);
        if (pass.Cluster is not { } cluster || news.Count == 0)
            return;

        using var limit = new CancellationTokenSource(TellLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        foreach (var item in news)
            await TryCreateAsync(cluster, item, either.Token);
    }

    /// <summary>Forgets everything: another replica looks after the Clusters now.</summary>
    public void Clear()
    {
        lock (_gate)
            _troubles.Clear();
    }

    private ClusterEvent? Complain(ClusterStatus status)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            if (status.Phase is ClusterPhase.Ready or ClusterPhase.Off or ClusterPhase.Gone or ClusterPhase.Paused or ClusterPhase.Deleting)
            {
                _troubles.Remove(status.Cluster);
                return null;
            }

            var trouble = _troubles.TryGetValue(status.Cluster, out var former) && former.Phase == status.Phase
                ? former : new Trouble(status.Phase, now);
            var news = ClusterEventRules.Of(status, now - trouble.Since);
            if (news is not null && (trouble.ToldNote != news.Note || now - trouble.ToldAt >= Repeat))
                trouble = trouble with { ToldNote = news.Note, ToldAt = now };
            else
                news = null;
            _troubles[status.Cluster] = trouble;
            return news;
        }
    }

    private async Task TryCreateAsync(Cluster cluster, ClusterEvent news, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        try
        {
            var value = ClusterEventFactory.Create(cluster, NameOf(cluster, news, now), news, "reconciler", now);
            await management.CreateAsync(CoreResources.Events, value, ObjectLabels.FieldManager, cancellationToken);
        }
        catch (Exception exception) when (exception is KubernetesApiException or OperationCanceledException)
        {
            // Told already, or it can't be told this way now.
        }
    }

    private static string NameOf(Cluster cluster, ClusterEvent news, DateTimeOffset now)
    {
        var text = $"{cluster.Metadata.Uid}\n{news.Reason}\n{news.Note}\n{now.UtcTicks / Repeat.Ticks}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
    }

    private sealed record Trouble(ClusterPhase Phase, DateTimeOffset Since)
    {
        public string? ToldNote { get; init; }

        public DateTimeOffset ToldAt { get; init; }
    }
}
