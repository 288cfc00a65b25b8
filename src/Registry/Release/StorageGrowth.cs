using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// Takes a registry's volumes to a larger size, after certificate and release are as they should be. That it began is written on the
/// HelmChartProxy before anything changes and taken away when all is done, so that it is finished whatever happens in between, even if
/// the Cluster asks for less again: volumes that have grown can't shrink.
/// </summary>
internal sealed class StorageGrowth(ChartInstallation chart, WorkloadAccess workload, TimeProvider time)
{
    /// <summary>Does the next steps; none, and no call, when the release has the size that is requested.</summary>
    /// <param name="plan">The cluster's plan.</param>
    /// <param name="release">The HelmChartProxy as this attempt found it.</param>
    /// <param name="context">Has what is requested, and takes what was changed.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<RegistryOutcome> AdvanceAsync(
        RegistryPlan plan, InstalledRelease release, ReconcileContext context, CancellationToken cancellationToken)
    {
        if (Larger(context.LargerSize, release.GrowsTo) is not { } size)
            return RegistryOutcome.Done;
        // Helm would make the StatefulSet anew as it was, if it went while a change of the release is being applied.
        if (context.HasWrittenRelease)
            return Waiting(size, "The release has to follow another change first.");
        if (release.GrowsTo != size)
        {
            var obstacle = release.GrowsTo is null ? await FindObstacleAsync(plan, size, context, cancellationToken) : null;
            if (obstacle is not null)
                return obstacle;
            return await WriteAsync(plan, context, new GrowthMark(size, IsInRelease: false), cancellationToken);
        }

        var state = await workload.RunAsync<GrowthState>(
            plan.Cluster, async client => await new VolumeGrowth(client, size, time).AdvanceAsync(cancellationToken), cancellationToken);
        var isInRelease = InstalledVolumes.SizeOf(release.Values) == size;
        return state.Value switch
        {
            null => state.Stop!,
            GrowthState.Waiting waiting => Waiting(size, waiting.Reason),
            GrowthState.Grown when isInRelease => await FinishAsync(plan, size, context, cancellationToken),
            _ when isInRelease => Waiting(size, "The release has to make the StatefulSet anew."),
            _ => await WriteAsync(plan, context, new GrowthMark(size, IsInRelease: true), cancellationToken),
        };
    }

    private async Task<RegistryOutcome?> FindObstacleAsync(
        RegistryPlan plan, string size, ReconcileContext context, CancellationToken cancellationToken)
    {
        var found = await workload.RunAsync<string?>(
            plan.Cluster,
            async client => new StepResult<string?>(await new VolumeGrowth(client, size, time).FindObstacleAsync(cancellationToken)),
            cancellationToken);
        if (found.Value is { } obstacle)
            context.Changes.Add(new Change(ChangeVerb.Kept, "PersistentVolumeClaim", RegistryNames.Namespace, true, obstacle));
        return found.Stop ?? (found.Value is null ? null : RegistryOutcome.Done);
    }

    private async Task<RegistryOutcome> WriteAsync(
        RegistryPlan plan, ReconcileContext context, GrowthMark mark, CancellationToken cancellationToken)
    {
        context.Growth = mark;
        await chart.EnsureChartProxyAsync(plan, await chart.FindAsync(plan, cancellationToken), context, cancellationToken);
        return Waiting(mark.Size, "The release has to follow.");
    }

    private async Task<RegistryOutcome> FinishAsync(
        RegistryPlan plan, string size, ReconcileContext context, CancellationToken cancellationToken)
    {
        await WriteAsync(plan, context, new GrowthMark(size, IsInRelease: true) { IsDone = true }, cancellationToken);
        context.Changes.Add(new Change(
            ChangeVerb.Updated, "PersistentVolumeClaim", RegistryNames.Namespace, true, $"The registry's volumes have grown to {size}."));
        return RegistryOutcome.Done;
    }

    private static string? Larger(string? one, string? other) =>
        one is null ? other : other is null || Quantity.IsLess(other, one) ? one : other;

    private static RegistryOutcome Waiting(string size, string reason) =>
        RegistryOutcome.Waiting($"The registry's volumes grow to {size}. {reason}");
}

/// <summary>How far the volumes are on the way to another size, as the HelmChartProxy is to say.</summary>
/// <param name="Size">The size.</param>
/// <param name="IsInRelease">The values have it.</param>
internal sealed record GrowthMark(string Size, bool IsInRelease)
{
    /// <summary>On the HelmChartProxy while volumes grow: to which size.</summary>
    public const string Annotation = "capi-registry-hook.io/volumes-grow-to";

    /// <summary>Nothing is left to do.</summary>
    public bool IsDone { get; init; }

    /// <summary>What the annotation is to say; null for none.</summary>
    public string? Announced => IsDone ? null : Size;
}
