using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// What a registry leaves on its workload cluster when its release is uninstalled: the volumes of its StatefulSet, and its certificate.
/// A volume that pods still use is deleted when they are, so this comes before the release is deleted; after a crash in between the
/// release is still there to be found again.
/// </summary>
internal sealed class RegistryData(WorkloadAccess workload)
{
    /// <summary>StatefulSets put their selector on the claims that they make; claims of others have no such labels.</summary>
    private const string ClaimLabels = ServedCertificateProbe.PodLabels;

    private const string Reason = "The Cluster no longer requests a registry, and --on-disable is Delete.";

    /// <summary>Deletes all of it and ignores what is gone already. Returns the outcome that ends the attempt, or null.</summary>
    public async Task<RegistryOutcome?> DeleteAsync(Cluster cluster, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        var deleted = await workload.RunAsync<bool>(cluster, async client =>
        {
            await DeleteClaimsAsync(client, changes, cancellationToken);
            await DeleteAsync(client, RegistryResources.SecretHeaders, RegistryPlan.CertificateSecret, changes, cancellationToken);
            foreach (var secret in new[] { RegistryPlan.UploadSecret, RegistryPlan.LoginSecret, RegistryPlan.SourcesSecret })
            {
                if (await client.FindAsync(RegistryResources.SecretHeaders, secret, cancellationToken) is { } live
                    && ObjectLabels.IsManaged(live.Metadata))
                    await DeleteAsync(client, RegistryResources.SecretHeaders, secret, changes, cancellationToken);
            }

            return true;
        }, cancellationToken);
        return deleted.Stop;
    }

    /// <summary>Many times the replicas that a registry can have; a workload cluster may send any number.</summary>
    private const int MostClaims = 500;

    private static async Task DeleteClaimsAsync(KubernetesClient client, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        var options = new ListOptions { Namespace = RegistryNames.Namespace, LabelSelector = ClaimLabels };
        var claims = await client.ListFirstAsync(RegistryResources.VolumeClaimHeaders, options, MostClaims, cancellationToken);
        foreach (var claim in claims.Where(claim => claim.Metadata.DeletionTimestamp is null).DistinctBy(claim => claim.Metadata.Name))
        {
            var name = new NamespacedName(RegistryNames.Namespace, claim.Metadata.Name!);
            await DeleteAsync(client, RegistryResources.VolumeClaimHeaders, name, changes, cancellationToken);
        }
    }

    private static async Task DeleteAsync(
        KubernetesClient client, ResourceType<ObjectHeader> type, NamespacedName name, ICollection<Change> changes,
        CancellationToken cancellationToken)
    {
        if (await client.DeleteIfExistsAsync(type, name, new DeleteOptions(), cancellationToken))
            changes.Add(new Change(ChangeVerb.Deleted, type.Kind, name.ToString(), true, Reason));
    }
}
