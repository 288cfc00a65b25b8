using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Events;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Release;

/// <summary>What may block an upgrade for a while.</summary>
/// <param name="Annotation">
/// On the Cluster: the target version and the moment of the first block, as <c>v1.34.0@2026-01-31T12:00:00Z</c>.
/// </param>
/// <param name="Limit">For how long.</param>
/// <param name="Omission">What the upgrade proceeds without, as the end of a clause.</param>
internal sealed record UpgradeBlock(string Annotation, TimeSpan Limit, string Omission)
{
    /// <summary>The reason of the Event that tells of the end.</summary>
    public required string EventReason { get; init; }

    /// <summary>The action of that Event.</summary>
    public required string EventAction { get; init; }

    /// <summary>The begin of its name.</summary>
    public required string EventName { get; init; }

    /// <summary>An annotation on the Cluster that asks others to hurry, with the target version as its value; null for none.</summary>
    public string? RequestAnnotation { get; init; }

    /// <summary>A fault of the registry, or of what it takes to reconcile it.</summary>
    public static UpgradeBlock Fault(RegistryOptions options) =>
        new("capi-registry-hook.io/upgrade-held", options.UpgradeBlockLimit, "registry not refreshed")
        {
            EventReason = "RegistryNotRefreshed",
            EventAction = "RefreshRegistry",
            EventName = "registry-not-refreshed",
        };

    /// <summary>Content that the registry does not hold yet.</summary>
    public static UpgradeBlock Content(RegistryOptions options) =>
        new("capi-registry-hook.io/content-awaited", options.ContentBlockLimit, "content incomplete")
        {
            EventReason = "ContentIncomplete",
            EventAction = "AwaitContent",
            EventName = "content-incomplete",
            RequestAnnotation = ContentResources.NeededAnnotation,
        };
}

/// <summary>
/// Bounds how long something may block an upgrade. The moment of the first block is written on the Cluster itself, so that the
/// bound outlives this process and is the same for every replica; where it can't be written, this process remembers it.
/// </summary>
internal sealed class UpgradeBlockDeadline(KubernetesClient management, UpgradeBlock block, TimeProvider time)
{

    /// <summary>
    /// A mark that is older than the limit by more than this belongs to an upgrade that was given up, not to this one:
    /// Cluster API asks every few seconds.
    /// </summary>
    private static readonly TimeSpan Stale = TimeSpan.FromDays(1);

    /// <summary>Clocks of replicas differ by less than this.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Far more upgrades than a management cluster has at once. Beyond it all is forgotten, and the marks on the Clusters hold alone.
    /// </summary>
    private const int MostRemembered = 10_000;

    /// <summary>The first faults that this process has seen: the bound where the Cluster can't be annotated.</summary>
    private readonly ConcurrentDictionary<(string? Uid, string Version), DateTimeOffset> _remembered = new();

    /// <summary>What an upgrade proceeds without when the time is over.</summary>
    public string Omission => block.Omission;

    /// <summary>Decides whether a fault still blocks the upgrade, and remembers since when.</summary>
    /// <param name="cluster">The Cluster as the hook request shows it.</param>
    /// <param name="targetVersion">The version that the cluster is upgraded to.</param>
    /// <param name="reason">The fault.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>True when the upgrade has to proceed.</returns>
    public async Task<bool> IsOverAsync(Cluster cluster, string targetVersion, string reason, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var written = HeldSince(cluster, targetVersion, now);
        var since = Remember(cluster, targetVersion, written ?? now, now);
        if (written is null)
            await TryAnnotateAsync(
                cluster, $"{targetVersion}@{KubernetesTime.Format(since)}", targetVersion, cancellationToken);
        if (now - since < block.Limit)
            return false;

        await WarnAsync(cluster, targetVersion, reason, cancellationToken);
        return true;
    }

    /// <summary>Forgets earlier faults of the cluster.</summary>
    public async Task EndAsync(Cluster cluster, string targetVersion, CancellationToken cancellationToken)
    {
        _remembered.TryRemove((cluster.Metadata.Uid, targetVersion), out _);
        if (cluster.Metadata.Annotations?.ContainsKey(block.Annotation) == true)
            await TryAnnotateAsync(cluster, null, null, cancellationToken);
    }

    private DateTimeOffset? HeldSince(Cluster cluster, string targetVersion, DateTimeOffset now)
    {
        var parts = cluster.Metadata.Annotations?.GetValueOrDefault(block.Annotation)?.Split('@');
        return parts is [var version, var moment] && version == targetVersion
            && KubernetesTime.TryParse(moment, out var since)
            && IsOfThisUpgrade(since, now)
            ? since
            : null;
    }

    private DateTimeOffset Remember(Cluster cluster, string targetVersion, DateTimeOffset seen, DateTimeOffset now)
    {
        // Not every upgrade comes to its end: Clusters are deleted meanwhile, or get another version.
        foreach (var (key, since) in _remembered.Where(entry => !IsOfThisUpgrade(entry.Value, now)))
            _remembered.TryRemove(KeyValuePair.Create(key, since));
        if (_remembered.Count >= MostRemembered)
            _remembered.Clear();
        return _remembered.AddOrUpdate(
            (cluster.Metadata.Uid, targetVersion), seen, (_, earlier) => earlier < seen && IsOfThisUpgrade(earlier, now) ? earlier : seen);
    }

    private bool IsOfThisUpgrade(DateTimeOffset since, DateTimeOffset now) =>
        since <= now + ClockSkew && now - since < block.Limit + Stale;

    private async Task TryAnnotateAsync(Cluster cluster, string? mark, string? request, CancellationToken cancellationToken)
    {
        var annotations = new JsonObject { [block.Annotation] = mark };
        if (block.RequestAnnotation is { } asked)
            annotations[asked] = request;
        try
        {
            await management.MergePatchAsync(
                RegistryResources.Clusters(cluster), cluster.Name,
                new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = annotations } },
                ObjectLabels.FieldManager, cancellationToken);
        }
        catch (Exception exception) when (exception is KubernetesApiException or OperationCanceledException)
        {
            // The memory of this process bounds the hold then, and a mark that stays behind counts for its own upgrade only.
        }
    }

    /// <summary>One Event per upgrade: its name is made of the target version, and a second one of that name is not written.</summary>
    private async Task WarnAsync(Cluster cluster, string targetVersion, string reason, CancellationToken cancellationToken)
    {
        var suffix = new string([.. targetVersion.ToLowerInvariant().Where(char.IsAsciiLetterOrDigit)]);
        var news = new ClusterEvent(
            block.EventReason, block.EventAction,
            $"The upgrade to {FieldText.Quote(targetVersion)} proceeds; {block.Omission}. {reason}", IsWarning: true);
        var warning = ClusterEventFactory.Create(cluster, $"{block.EventName}-{suffix}", news, "hooks", time.GetUtcNow());
        try
        {
            await management.CreateAsync(CoreResources.Events, warning, ObjectLabels.FieldManager, cancellationToken);
        }
        catch (Exception exception) when (exception is KubernetesApiException or OperationCanceledException)
        {
            // Already told, or it can't be told this way: the answer and the log say the same, and the limit holds without the Event.
        }
    }
}
