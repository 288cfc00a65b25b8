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
/// How far a rotation of the root is, by the annotations of HelmChartProxies: they name the root that issued a registry's certificate,
/// and the certificate that was last seen served. Only the HelmChartProxy of a Cluster that wants a registry counts. Not thread-safe.
/// </summary>
/// <param name="management">Client of the management cluster.</param>
/// <param name="options">The admin's options, which say what wants a registry.</param>
internal sealed class RotationProgress(KubernetesClient management, RegistryOptions options) : IRotationProgress
{
    /// <summary>
    /// The cluster that was found last. It is asked first, so that one unreachable cluster among thousands costs two reads each time and
    /// no list.
    /// </summary>
    private ClusterKey? _last;

    /// <summary>A version in which Clusters are served.</summary>
    public string ClusterVersion { get; set; } = RegistryResources.NewestClusterVersion;

    public async Task<ClusterKey?> FindClusterNotRotatedAsync(string rootId, CancellationToken cancellationToken)
    {
        if (_last is { } last && await IsNotRotatedAsync(last, rootId, cancellationToken))
            return last;
        _last = null;
        await foreach (var release in ReleasesAsync(cancellationToken))
        {
            if (IsNotRotated(release, rootId) && ClusterOwner.KeyOf(release.Metadata) is { } key
                && await IsWantedAsync(key, release, cancellationToken))
                return _last = key;
        }

        return null;
    }

    public async Task<TrustBundle> TrustedAsync(CancellationToken cancellationToken)
    {
        var trusted = TrustBundle.Empty;
        await foreach (var release in ReleasesAsync(cancellationToken))
        {
            if (ClusterOwner.KeyOf(release.Metadata) is { } cluster
                && await management.FindAsync(
                    CoreResources.Secrets, RegistryBasis.TrustSecret(cluster.Object), cancellationToken) is { } secret
                && TrustSecret.Read(secret) is { } bundle)
                trusted = trusted.Add(bundle);
        }

        return trusted;
    }

    private async IAsyncEnumerable<ObjectHeader> ReleasesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var @namespace in options.Places)
        {
            var ours = new ListOptions { Namespace = @namespace, LabelSelector = ObjectLabels.ManagedSelector };
            await foreach (var release in management.ListAsync(RegistryResources.HelmChartProxyHeaders, ours, cancellationToken))
                yield return release;
        }
    }

    private async Task<bool> IsNotRotatedAsync(ClusterKey key, string rootId, CancellationToken cancellationToken) =>
        await FindAsync(key, cancellationToken) is { } cluster
        && await management.FindAsync(
            RegistryResources.HelmChartProxyHeaders, RegistryPlan.ChartProxyOf(cluster), cancellationToken) is { } release
        && ObjectLabels.IsManaged(release.Metadata) && IsNotRotated(release, rootId) && IsWanted(cluster, release);

    /// <summary>A release that is being deleted has nothing to rotate.</summary>
    private static bool IsNotRotated(ObjectHeader release, string rootId) =>
        release.Metadata.DeletionTimestamp is null
        && (CertificateRecord.Read(release.Metadata.Annotations) is not { } record || record.Issuer != rootId || !record.IsServed);

    private async Task<bool> IsWantedAsync(ClusterKey key, ObjectHeader release, CancellationToken cancellationToken) =>
        await FindAsync(key, cancellationToken) is { } cluster && IsWanted(cluster, release);

    /// <summary>
    /// A Cluster that is paused or being deleted is not waited for: its certificate stays valid, and a cross-certificate reaches its nodes
    /// afterwards. One whose settings are wrong is.
    /// </summary>
    private bool IsWanted(Cluster cluster, ObjectHeader release) =>
        ClusterReconciler.GoalOf(cluster) == ClusterPhase.Ready
        && release.Metadata.Name == RegistryPlan.ChartProxyOf(cluster).Name && ClusterOwner.Owns(cluster, release.Metadata)
        && RegistryPlan.Create(cluster, options) is not PlanResult.NotWanted;

    private Task<Cluster?> FindAsync(ClusterKey key, CancellationToken cancellationToken) =>
        management.FindAsync(RegistryResources.Clusters(ClusterVersion), key.Object, cancellationToken);
}
