using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Volumes;

/// <summary>
/// Grows a registry's volumes on its workload cluster: first the claims, then the StatefulSet goes, without its pods, because its claim
/// templates can't be changed; the release makes it anew. Each step finds out for itself what is left to do.
/// </summary>
/// <param name="workload">Client of the workload cluster.</param>
/// <param name="size">The size that each volume is to have, as Kubernetes writes it.</param>
/// <param name="time">The clock.</param>
internal sealed class VolumeGrowth(KubernetesClient workload, string size, TimeProvider time)
{
    /// <summary>The registry's pods and claims have the labels of its StatefulSet; claims of others do not.</summary>
    private static readonly ListOptions Labelled = new()
    {
        Namespace = RegistryNames.Namespace,
        LabelSelector = $"app.kubernetes.io/instance={RegistryNames.Registry},app.kubernetes.io/component=registry",
    };

    private const string ClaimPrefix = $"data-{RegistryNames.Registry}-";
    private const string Storage = "storage";
    private const string BeingRemoved = "The StatefulSet is being removed, without its pods, to be made anew.";

    /// <summary>
    /// The garbage collector spares the pods that it knows to be the StatefulSet's and deletes the others once it is gone. It learns of
    /// pods and their owners by watches: tens of milliseconds late on a small cluster, seconds on a large or busy one.
    /// </summary>
    private static readonly TimeSpan CollectorLag = TimeSpan.FromSeconds(30);

    /// <summary>An age below zero by more than this says that the clocks differ, and nothing about the age.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    /// <summary>Many times the replicas that a registry can have; a workload cluster may send any number.</summary>
    private const int MostObjects = 500;

    private static readonly NamespacedName Owner = new(RegistryNames.Namespace, RegistryNames.Registry);

    /// <summary>Why the volumes can't grow, before anything is changed; null when they can.</summary>
    public async Task<string?> FindObstacleAsync(CancellationToken cancellationToken)
    {
        foreach (var name in (await SmallClaimsAsync(cancellationToken)).Select(claim => claim.Spec?.StorageClassName ?? "").Distinct())
        {
            var found = KubernetesNames.IsSubdomain(name)
                ? await workload.FindAsync(CoreResources.StorageClasses, new NamespacedName("", name), cancellationToken) : null;
            if (found?.AllowVolumeExpansion != true)
                return $"The registry keeps its volumes, because the storage class {FieldText.Quote(name)} of the workload cluster does "
                    + "not allow them to grow; set allowVolumeExpansion there if its driver can grow volumes, or set storage.size back.";
        }

        return null;
    }

    /// <summary>Does the next steps.</summary>
    /// <returns>Where that leaves the volumes.</returns>
    public async Task<GrowthState> AdvanceAsync(CancellationToken cancellationToken)
    {
        foreach (var claim in await SmallClaimsAsync(cancellationToken))
        {
            // Kubernetes grows nothing that has no volume yet.
            if (claim.Status?.Phase != "Bound")
                return new GrowthState.Waiting($"The volume claim {Printable(claim)} has no volume yet, so it can't grow.");
            if (!await TryGrowAsync(claim, cancellationToken))
                return new GrowthState.Waiting(
                    $"The workload cluster refuses to grow the volume claim {Printable(claim)}; "
                        + $"check the quotas of {RegistryNames.Namespace} and whether its volume was made by hand.");
        }

        var owner = await workload.FindAsync(CoreResources.StatefulSets, Owner, cancellationToken);
        return owner switch
        {
            null => new GrowthState.Removed(),
            { Metadata.DeletionTimestamp: not null } => new GrowthState.Waiting(BeingRemoved),
            _ when IsSmall(TemplateOf(owner)) => await RemoveAsync(owner, cancellationToken),
            _ => new GrowthState.Grown(),
        };
    }

    private async Task<GrowthState> RemoveAsync(StatefulSet owner, CancellationToken cancellationToken)
    {
        var pods = await workload.ListFirstAsync(CoreResources.Pods, Labelled, MostObjects, cancellationToken);
        // The StatefulSet adopts no pods with other names.
        var running = pods
            .Where(pod => pod.Metadata.DeletionTimestamp is null && RegistryNames.OrdinalOf(pod.Metadata.Name!) is not null).ToList();
        if (running.Find(pod => pod.Metadata.OwnerReferences?.Any(reference => reference.Uid == owner.Metadata.Uid) != true) is { } other)
            return new GrowthState.Waiting($"The StatefulSet does not own the pod {FieldText.Sentence(other.Metadata.Name!)} yet.");
        if (IsRecent(owner.Metadata) || running.Exists(pod => IsRecent(pod.Metadata)))
            return new GrowthState.Waiting("The StatefulSet or its pods were created moments ago; it is removed when they are older.");

        await workload.DeleteIfExistsAsync(CoreResources.StatefulSets, Owner,
            new DeleteOptions { Uid = owner.Metadata.Uid, OrphansDependents = true }, cancellationToken);
        return new GrowthState.Waiting(BeingRemoved);
    }

    private async Task<IReadOnlyList<PersistentVolumeClaim>> SmallClaimsAsync(CancellationToken cancellationToken)
    {
        var claims = await workload.ListFirstAsync(CoreResources.VolumeClaims, Labelled, MostObjects, cancellationToken);
        return [.. claims
            .Where(claim => claim.Metadata.DeletionTimestamp is null && IsSmall(claim)
                && claim.Metadata.Name!.StartsWith(ClaimPrefix, StringComparison.Ordinal))
            .OrderBy(claim => claim.Metadata.Name, StringComparer.Ordinal)];
    }

    /// <summary>False when the API server refuses it: a quota, or a volume that somebody made by hand.</summary>
    private async Task<bool> TryGrowAsync(PersistentVolumeClaim claim, CancellationToken cancellationToken)
    {
        var patch = new JsonObject
        {
            ["spec"] = new JsonObject { ["resources"] = new JsonObject { ["requests"] = new JsonObject { [Storage] = size } } },
        };
        try
        {
            await workload.MergePatchAsync(CoreResources.VolumeClaims, claim, patch, ObjectLabels.FieldManager, cancellationToken);
            return true;
        }
        catch (KubernetesApiException exception) when (exception.Fault is KubernetesFault.Forbidden or KubernetesFault.Invalid)
        {
            return false;
        }
    }

    private static PersistentVolumeClaim? TemplateOf(StatefulSet owner) =>
        owner.Spec?.VolumeClaimTemplates?.FirstOrDefault(template => template?.Metadata.Name == "data");

    /// <summary>One that is larger already stays: a volume can't shrink.</summary>
    private bool IsSmall(PersistentVolumeClaim? claim) =>
        claim?.Spec?.Resources?.Requests?.GetValueOrDefault(Storage) is { } has && Quantity.IsLess(has, size);

    private bool IsRecent(ObjectMeta created) =>
        time.GetUtcNow() - created.CreationTimestamp is { } age && age < CollectorLag && age > -ClockTolerance;

    private static string Printable(PersistentVolumeClaim claim) => FieldText.Sentence(claim.Metadata.Name!);
}

/// <summary>Where the growth of a registry's volumes is.</summary>
internal abstract record GrowthState
{
    private GrowthState()
    {
    }

    /// <summary>Something has to happen first.</summary>
    /// <param name="Reason">What; the same state gives the same sentence.</param>
    public sealed record Waiting(string Reason) : GrowthState;

    /// <summary>The claims have grown and the StatefulSet is gone: the release has to make it anew.</summary>
    public sealed record Removed : GrowthState;

    /// <summary>The claims have grown, and the StatefulSet makes new ones of that size.</summary>
    public sealed record Grown : GrowthState;
}
