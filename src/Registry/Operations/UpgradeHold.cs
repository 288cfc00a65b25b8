using System.Globalization;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;

namespace CapiRegistryHook.Registry;

/// <summary>
/// Bounds how long a fault may hold up an upgrade. Since when it does is written on the Cluster itself, so that the
/// bound outlives this process and is the same for every replica.
/// </summary>
internal sealed class UpgradeHold(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    /// <summary>The target version and the moment of the first fault, as <c>v1.34.0@2026-01-31T12:00:00Z</c>.</summary>
    public const string HeldAnnotation = "capi-registry-hook.io/upgrade-held";

    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>Decides whether a fault goes on holding the upgrade, and remembers since when.</summary>
    /// <param name="cluster">The Cluster as the hook request shows it.</param>
    /// <param name="targetVersion">The version that the cluster is upgraded to.</param>
    /// <param name="reason">The fault.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>True when the upgrade has to go on.</returns>
    public async Task<bool> IsOverAsync(Cluster cluster, string targetVersion, string reason, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var since = HeldSince(cluster, targetVersion);
        if (since is null)
            await AnnotateAsync(cluster, $"{targetVersion}@{now.ToString(TimeFormat, CultureInfo.InvariantCulture)}", cancellationToken);
        if (now - (since ?? now) < options.UpgradeBlockLimit)
            return false;

        await WarnAsync(cluster, targetVersion, reason, cancellationToken);
        return true;
    }

    /// <summary>Forgets an earlier fault.</summary>
    public async Task EndAsync(Cluster cluster, CancellationToken cancellationToken)
    {
        if (cluster.Metadata.Annotations?.ContainsKey(HeldAnnotation) != true)
            return;
        try
        {
            await AnnotateAsync(cluster, null, cancellationToken);
        }
        catch (KubernetesApiException)
        {
            // What is left behind counts for its own version only; an upgrade whose work is done does not wait for it.
        }
    }

    private static DateTimeOffset? HeldSince(Cluster cluster, string targetVersion)
    {
        var parts = cluster.Metadata.Annotations?.GetValueOrDefault(HeldAnnotation)?.Split('@');
        return parts is [var version, var moment] && version == targetVersion
            && DateTimeOffset.TryParseExact(moment, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var since)
            ? since
            : null;
    }

    private async Task AnnotateAsync(Cluster cluster, string? value, CancellationToken cancellationToken) =>
        await management.MergePatchAsync(
            RegistryResources.Clusters(cluster), cluster.Name,
            new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [HeldAnnotation] = value } } },
            ObjectLabels.FieldManager, cancellationToken);

    /// <summary>One Event per upgrade: its name is made of the target version, and a second one of that name is not written.</summary>
    private async Task WarnAsync(Cluster cluster, string targetVersion, string reason, CancellationToken cancellationToken)
    {
        var suffix = new string([.. targetVersion.ToLowerInvariant().Where(char.IsAsciiLetterOrDigit)]);
        var warning = new Event
        {
            Metadata = new ObjectMeta { Namespace = cluster.Name.Namespace, Name = $"{cluster.Name.Name}.registry-not-refreshed-{suffix}" },
            EventTime = time.GetUtcNow(),
            ReportingController = "capi-registry-hook.io/hooks",
            ReportingInstance = ObjectLabels.FieldManager,
            Action = "RefreshRegistry",
            Reason = "RegistryNotRefreshed",
            Type = "Warning",
            Note = $"The upgrade to {FieldText.Quote(targetVersion)} goes on without a refreshed registry. {reason}",
            Regarding = new ObjectReference
            {
                ApiVersion = RegistryResources.ClusterApiVersion(cluster),
                Kind = "Cluster",
                Namespace = cluster.Name.Namespace,
                Name = cluster.Name.Name,
                Uid = cluster.Metadata.Uid,
            },
        };
        try
        {
            await management.CreateAsync(CoreResources.Events, warning, ObjectLabels.FieldManager, cancellationToken);
        }
        catch (KubernetesApiException)
        {
            // Already told, or it can't be told this way: the answer and the log say the same, and the limit holds without the Event.
        }
    }
}
