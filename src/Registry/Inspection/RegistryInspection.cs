using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Registry.Inspection;

/// <summary>
/// Reads for people what the status of a registry does not say: the roots over time, what its replicas serve at the moment, and what an
/// upgrade would change. It writes nothing. Safe for several calls at once.
/// </summary>
public sealed class RegistryInspection : IDisposable
{
    /// <summary>Which decisions of the admin are the latest ones changes rarely, and to find out takes a list.</summary>
    private static readonly TimeSpan NewestIsKnownFor = TimeSpan.FromMinutes(1);

    private readonly KubernetesClient _management;
    private readonly RegistryOptions _options;
    private readonly TimeProvider _time;
    private (ReleaseRevision? Revision, DateTimeOffset At) _newest;

    private RegistryInspection(KubernetesClient management, ClusterRegistryDirectory directory, RegistryOptions options, TimeProvider time)
    {
        _management = management;
        Directory = directory;
        _options = options;
        _time = time;
    }

    /// <summary>The way to the registries.</summary>
    public ClusterRegistryDirectory Directory { get; }

    /// <summary>Makes the clients; nothing is called yet.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="options">The admin's decisions, validated.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    public static RegistryInspection Connect(ManagementConnection connection, RegistryOptions options, TimeProvider time) => new(
        new KubernetesClient(connection.Load(time), new KubernetesClientOptions(), time),
        ClusterRegistryDirectory.Connect(connection, options, time), options, time);

    /// <summary>The roots, and which of them nodes trust.</summary>
    /// <exception cref="FleetStatusException">The management cluster can't be read.</exception>
    public Task<RootOverview> ReadRootsAsync(CancellationToken cancellationToken) =>
        ExplainAsync(() => new RootInspection(_management, _options).ReadAsync(cancellationToken));

    /// <summary>What is on the workload cluster.</summary>
    /// <param name="cluster">The Cluster.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <exception cref="ClusterRegistryException">The management cluster does not lead there.</exception>
    /// <exception cref="KubernetesApiException">The workload cluster can't be asked.</exception>
    public async Task<WorkloadReport> ReadWorkloadAsync(ClusterKey cluster, CancellationToken cancellationToken)
    {
        var registry = await Directory.FindAsync(cluster, cancellationToken);
        var annotations = (await FindReleaseAsync(cluster, cancellationToken))?.Metadata.Annotations;
        using var lease = await Directory.RentWorkloadAsync(cluster, cancellationToken);
        return await new WorkloadInspection(lease.Client, _time).ReadAsync(
            TrustBundle.Parse(Encoding.ASCII.GetBytes(registry.TrustPem)), CertificateRecord.Read(annotations)?.Serial,
            ReleaseProgress.Read(annotations)?.Revision, cancellationToken);
    }

    /// <summary>What the next upgrade of the cluster changes; null when the registry is not installed.</summary>
    /// <exception cref="FleetStatusException">The management cluster can't be read.</exception>
    public Task<UpgradePreview?> PreviewUpgradeAsync(ClusterKey cluster, CancellationToken cancellationToken) => ExplainAsync(async () =>
    {
        var version = (await new ClusterVersions(_management).FindAsync(cluster.Namespace, cancellationToken)).Type?.Version;
        var live = await _management.FindAsync(
            RegistryResources.Clusters(version ?? RegistryResources.NewestClusterVersion), cluster.Object, cancellationToken);
        return live is not null && await FindReleaseAsync(cluster, cancellationToken) is { Spec: not null } release
            && await FindNewestAsync(cancellationToken) is { } newest
            ? UpgradePreview.Create(live, release, newest, _options) : null;
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        Directory.Dispose();
        _management.Dispose();
    }

    private Task<HelmChartProxy?> FindReleaseAsync(ClusterKey cluster, CancellationToken cancellationToken) => _management.FindAsync(
        RegistryResources.HelmChartProxies,
        RegistryPlan.ChartProxyOf(Cluster.Describe(cluster.Name, cluster.Namespace, "", new ClusterSpec())), cancellationToken);

    /// <summary>
    /// What the admin decided last, by the HelmChartProxy that was written with the latest decisions: the service's values file is not at
    /// hand.
    /// </summary>
    private async Task<ReleaseRevision?> FindNewestAsync(CancellationToken cancellationToken)
    {
        if (_newest.Revision is not null && _time.GetUtcNow() - _newest.At < NewestIsKnownFor)
            return _newest.Revision;
        (DateTimeOffset Since, ObjectHeader Release)? newest = null;
        foreach (var place in _options.Places)
        {
            var ours = new ListOptions { Namespace = place, LabelSelector = ObjectLabels.ManagedSelector };
            await foreach (var release in _management.ListAsync(RegistryResources.HelmChartProxyHeaders, ours, cancellationToken))
            {
                if (ReleaseProgress.Read(release.Metadata.Annotations) is { } progress && !(newest?.Since >= progress.Since))
                    newest = (progress.Since, release);
            }
        }

        var found = newest is { } last ? await _management.FindAsync(
            RegistryResources.HelmChartProxies, ChartProxyName(last.Release), cancellationToken) : null;
        _newest = (new InstalledRelease(found, null).Revision, _time.GetUtcNow());
        return _newest.Revision;
    }

    private static NamespacedName ChartProxyName(ObjectHeader release) =>
        new(release.Metadata.Namespace ?? "", release.Metadata.Name ?? "");

    private static async Task<T> ExplainAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (KubernetesApiException exception)
        {
            throw FleetStatusException.Of(exception);
        }
    }
}
