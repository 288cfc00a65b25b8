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
internal sealed class VolumeGrowth(KubernetesClient workload, string size)
{
    /// <summary>The registry's pods and claims have the labels of its StatefulSet; claims of others do not.</summary>
    private const string ClaimLabels = $"app.kubernetes.io/instance={RegistryNames.Registry},app.kubernetes.io/component=registry";

    private const string ClaimPrefix = $"data-{RegistryNames.Registry}-";
    private const string Storage = "storage";

    /// <summary>Many times the replicas that a registry can have; a workload cluster may send any number.</summary>
    private const int MostClaims = 500;

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
        if (owner is { Metadata.DeletionTimestamp: null } && IsSmall(TemplateOf(owner)))
        {
            await workload.DeleteIfExistsAsync(CoreResources.StatefulSets, Owner,
                new DeleteOptions { Uid = owner.Metadata.Uid, OrphansDependents = true }, cancellationToken);
            return new GrowthState.Waiting("The StatefulSet is being removed, without its pods, to be made anew.");
        }

        return owner switch
        {
            null => new GrowthState.Removed(),
            { Metadata.DeletionTimestamp: not null } =>
                new GrowthState.Waiting("The StatefulSet is being removed, without its pods, to be made anew."),
            _ => new GrowthState.Grown(),
        };
    }

    private async Task<IReadOnlyList<PersistentVolumeClaim>> SmallClaimsAsync(CancellationToken cancellationToken)
    {
        var options = new ListOptions { Namespace = RegistryNames.Namespace, LabelSelector = ClaimLabels };
        var claims = await workload.ListFirstAsync(CoreResources.VolumeClaims, options, MostClaims, cancellationToken);
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
