using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>
/// Reads how full the volumes of a Cluster's registry are, writes down what changed, and records Events at the threshold. It is not
/// part of a reconcile: nothing that it finds, and no fault in it, makes a registry less ready.
/// </summary>
internal sealed class VolumeCheck(
    KubernetesClient management, WorkloadAccess workload, ClusterEventRecorder events, RegistryOptions options, TimeProvider time)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    /// <summary>Checks one Cluster.</summary>
    /// <param name="key">The Cluster.</param>
    /// <param name="version">A version in which Clusters are served.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>The volumes; null when nothing new is known.</returns>
    public async Task<IReadOnlyList<VolumeUsage>?> RunAsync(ClusterKey key, string version, CancellationToken cancellationToken)
    {
        var context = new ReconcileContext { IsClusterLive = true };
        var root = new NamespacedName(options.HookNamespace, options.RootSecretName);
        var outcome = await Attempt.RunAsync(Limit, time, root, async token =>
        {
            context.Cluster = await management.FindAsync(RegistryResources.Clusters(version), key.Object, token);
            return context.Cluster is { } cluster ? await CheckAsync(cluster, context, token) : RegistryOutcome.Done;
        }, cancellationToken);
        await events.RecordChangesAsync(context, cancellationToken);
        return outcome.Kind == OutcomeKind.Done ? context.Volumes?.Volumes : null;
    }

    private async Task<RegistryOutcome> CheckAsync(Cluster cluster, ReconcileContext context, CancellationToken cancellationToken)
    {
        var name = RegistryPlan.ChartProxyOf(cluster);
        var release = await management.FindAsync(RegistryResources.HelmChartProxyHeaders, name, cancellationToken);
        if (release is null || !ObjectLabels.IsManagedFor(cluster, release.Metadata))
            return RegistryOutcome.Done;
        var read = await workload.RunAsync<IReadOnlyList<VolumeUsage>?>(
            cluster, async client => new StepResult<IReadOnlyList<VolumeUsage>?>(await VolumeReader.ReadAsync(client, cancellationToken)),
            cancellationToken);
        if (read.Stop is { } stop)
            return stop;
        if (read.Value is not { } volumes)
            return RegistryOutcome.Done;

        var before = VolumeRecord.Read(release.Metadata.Annotations);
        var now = VolumeRecord.After(before, volumes, time.GetUtcNow());
        context.Volumes = now;
        context.BeganFilling = now.IsFilling == (before?.IsFilling ?? false) ? null : now.IsFilling;
        if (now.IsNews(before))
            await management.MergePatchAsync(
                RegistryResources.HelmChartProxyHeaders, name, now.ToPatch(), ObjectLabels.FieldManager, cancellationToken);
        return RegistryOutcome.Done;
    }
}
