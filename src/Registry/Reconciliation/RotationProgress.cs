using System.Runtime.CompilerServices;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>
/// The clusters as their HelmChartProxies tell of them: which root a registry's certificate is from, and whether it was seen served,
/// stands in
/// annotations. A cluster without one has no certificate that anybody relies on.
/// </summary>
/// <param name="management">Client of the management cluster.</param>
/// <param name="clusterVersion">A version in which Clusters are served.</param>
/// <param name="namespaces">The namespaces with Clusters; empty means all.</param>
internal sealed class RotationProgress(
    KubernetesClient management, string clusterVersion, IReadOnlyList<string> namespaces) : IRotationProgress
{
    public async Task<ClusterKey?> FindClusterNotRotatedAsync(string rootId, CancellationToken cancellationToken)
    {
        await foreach (var release in ReleasesAsync(cancellationToken))
        {
            var record = CertificateRecord.Read(release.Metadata.Annotations);
            var hasSwitched = record is not null && record.Issuer == rootId && record.Served == record.Serial;
            if (!hasSwitched && ClusterOf(release) is { } cluster && await IsLookedAfterAsync(cluster, cancellationToken))
                return cluster;
        }

        return null;
    }

    public async Task<TrustBundle> TrustedAsync(CancellationToken cancellationToken)
    {
        var trusted = TrustBundle.Empty;
        await foreach (var release in ReleasesAsync(cancellationToken))
        {
            if (ClusterOf(release) is { } cluster
                && await management.FindAsync(
                    CoreResources.Secrets, RegistryBasis.TrustSecret(cluster.Object), cancellationToken) is { } secret
                && TrustSecret.Read(secret) is { } bundle)
                trusted = trusted.Add(bundle);
        }

        return trusted;
    }

    private async IAsyncEnumerable<ObjectHeader> ReleasesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var place in namespaces.Count == 0 ? new string?[] { null } : [.. namespaces])
        {
            var options = new ListOptions { Namespace = place, LabelSelector = ObjectLabels.ManagedSelector };
            await foreach (var release in management.ListAsync(RegistryResources.HelmChartProxyHeaders, options, cancellationToken))
            {
                // One on its way out has nothing to switch to.
                if (release.Metadata.DeletionTimestamp is null)
                    yield return release;
            }
        }
    }

    /// <summary>
    /// One that is paused or on its way out is waited for by nobody: its certificate stays good, and a cross-certificate reaches its
    /// nodes afterwards.
    /// </summary>
    private async Task<bool> IsLookedAfterAsync(ClusterKey key, CancellationToken cancellationToken) =>
        await management.FindAsync(RegistryResources.Clusters(clusterVersion), key.Object, cancellationToken) is { } cluster
        && ClusterReconciler.GoalOf(cluster) == ClusterPhase.Ready;

    private static ClusterKey? ClusterOf(ObjectHeader release) =>
        release.Metadata.OwnerReferences?.FirstOrDefault(ClusterOwner.IsCluster) is { } owner
            ? new ClusterKey(release.Metadata.Namespace ?? "", owner.Name) : null;
}
