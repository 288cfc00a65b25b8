using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Events;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// Bounds how long a fault may block an upgrade. The moment of the first fault is written on the Cluster itself, so that the
/// bound outlives this process and is the same for every replica; where it can't be written, this process remembers it.
/// </summary>
internal sealed class UpgradeBlockDeadline(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    /// <summary>The target version and the moment of the first fault, as <c>v1.34.0@2026-01-31T12:00:00Z</c>.</summary>
    public const string HeldAnnotation = "capi-registry-hook.io/upgrade-held";

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
                cluster, $"{targetVersion}@{KubernetesTime.Format(since)}", cancellationToken);
        if (now - since < options.UpgradeBlockLimit)
            return false;

        await WarnAsync(cluster, targetVersion, reason, cancellationToken);
        return true;
    }

    /// <summary>Forgets earlier faults of the cluster.</summary>
    public async Task EndAsync(Cluster cluster, string targetVersion, CancellationToken cancellationToken)
    {
        _remembered.TryRemove((cluster.Metadata.Uid, targetVersion), out _);
        if (cluster.Metadata.Annotations?.ContainsKey(HeldAnnotation) == true)
            await TryAnnotateAsync(cluster, null, cancellationToken);
    }

    private DateTimeOffset? HeldSince(Cluster cluster, string targetVersion, DateTimeOffset now)
    {
        var parts = cluster.Metadata.Annotations?.GetValueOrDefault(HeldAnnotation)?.Split('@');
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
        since <= now + ClockSkew && now - since < options.UpgradeBlockLimit + Stale;

    private async Task TryAnnotateAsync(Cluster cluster, string? value, CancellationToken cancellationToken)
    {
        try
        {
            await management.MergePatchAsync(
                RegistryResources.Clusters(cluster), cluster.Name,
                new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [HeldAnnotation] = value } } },
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
            "RegistryNotRefreshed", "RefreshRegistry",
            $"The upgrade to {FieldText.Quote(targetVersion)} proceeds; registry not refreshed. {reason}", IsWarning: true);
        var warning = ClusterEventFactory.Create(cluster, $"registry-not-refreshed-{suffix}", news, "hooks", time.GetUtcNow());
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
