using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>
/// All Clusters of the management cluster: what happens to them, how one of them is reconciled, and which replica does it.
/// </summary>
public sealed class RegistryFleet
{
    private const string LeaseName = "capi-registry-hook-leader";

    private readonly KubernetesClient _management;
    private readonly ClusterReconciler _reconciler;
    private readonly RegistryOptions _options;
    private readonly TimeProvider _time;
    private readonly ClusterVersions _versions;
    private readonly RotationProgress _rotation;

    internal RegistryFleet(KubernetesClient management, ClusterReconciler reconciler, RegistryOptions options, TimeProvider time)
    {
        _management = management;
        _reconciler = reconciler;
        _options = options;
        _time = time;
        _versions = new ClusterVersions(management);
        _rotation = new RotationProgress(management, options);
    }

    /// <summary>The namespaces with Clusters; one null for all.</summary>
    public IReadOnlyList<string?> Places => _options.Places;

    /// <summary>
    /// Reconciles the registry of one Cluster. Calling it twice, or for any Cluster, is safe.
    /// </summary>
    /// <param name="cluster">The Cluster.</param>
    /// <param name="verify">True to check the certificate on the workload cluster even when nothing is due.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>How it ended.</returns>
    public Task<ReconcileResult> ReconcileAsync(ClusterKey cluster, bool verify, CancellationToken cancellationToken) =>
        _reconciler.ReconcileAsync(cluster, _versions.Served, verify, cancellationToken);

    /// <summary>
    /// Reads how full the volumes of one Cluster's registry are, from the kubelets of the workload cluster, and records it. Only the
    /// replica that leads calls this, once per Cluster and interval.
    /// </summary>
    /// <param name="cluster">The Cluster.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>One per pod; empty when the storage has no statistics; null when nothing new is known.</returns>
    public Task<IReadOnlyList<VolumeUsage>?> ReadVolumesAsync(ClusterKey cluster, CancellationToken cancellationToken) =>
        _reconciler.Volumes.RunAsync(cluster, _versions.Served, cancellationToken);

    /// <summary>
    /// Counts how far the admin's values and chart are rolled out, and decides which registries are next. Only the replica that leads calls
    /// this.
    /// </summary>
    /// <param name="isCounted">False while Clusters are left that this replica has not reconciled since it leads.</param>
    /// <returns>The counts, and the Clusters to reconcile now.</returns>
    public RolloutReport AdvanceRollout(bool isCounted) => _reconciler.Rollout.Advance(isCounted);

    /// <summary>
    /// Does the next step of a rotation of the root, if there is one to do. Only the replica that leads calls this, and again soon when
    /// something changed.
    /// </summary>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>Where the rotation is; with a problem when an API server can't be used.</returns>
    public async Task<RotationReport> AdvanceRootAsync(CancellationToken cancellationToken)
    {
        try
        {
            _rotation.ClusterVersion = _versions.Served;
            return await new RootRotation(_management, _options, _time).AdvanceAsync(_rotation, cancellationToken);
        }
        catch (KubernetesApiException exception)
        {
            return new RotationReport(RotationPhase.None, 0, null, []) { Problem = FaultSentences.OfManagement(exception).Reason };
        }
        catch (CertificateException exception)
        {
            return new RotationReport(
                RotationPhase.None, 0, null, []) { Problem = FaultSentences.UnusableRoot(RootAuthority.NameOf(_options), exception) };
        }
    }

    /// <summary>How the registries of all Clusters stand, from the objects alone; a running service is not asked.</summary>
    /// <param name="selector">A label selector of Kubernetes; null means all Clusters.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>One report per Cluster, by namespace and name.</returns>
    /// <exception cref="FleetStatusException">The management cluster can't be read.</exception>
    public async Task<IReadOnlyList<ClusterStatus>> ReadStatusAsync(string? selector, CancellationToken cancellationToken)
    {
        var reporter = new FleetStatusReader(_management, _options, _time);
        var reports = new List<ClusterStatus>();
        try
        {
            foreach (var place in Places)
            {
                await _versions.FindAsync(place, cancellationToken);
                await foreach (var report in reporter.ReadAsync(place, selector, _versions.Served, cancellationToken))
                    reports.Add(report);
            }
        }
        catch (KubernetesApiException exception)
        {
            throw FleetStatusException.Of(exception);
        }

        return [.. ClusterStatusFactory.MarkRollout(reports, _options, _time.GetUtcNow())
            .OrderBy(report => report.Cluster.Namespace, StringComparer.Ordinal)
            .ThenBy(report => report.Cluster.Name, StringComparer.Ordinal)];
    }

    /// <summary>How the registry of one Cluster stands, in depth and from the objects alone.</summary>
    /// <param name="cluster">The Cluster.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>Null when there is no such Cluster.</returns>
    /// <exception cref="FleetStatusException">The management cluster can't be read.</exception>
    public async Task<ClusterStatusDetail?> ReadStatusAsync(ClusterKey cluster, CancellationToken cancellationToken)
    {
        try
        {
            await _versions.FindAsync(cluster.Namespace, cancellationToken);
            return await new FleetStatusReader(_management, _options, _time).ReadAsync(cluster, _versions.Served, cancellationToken);
        }
        catch (KubernetesApiException exception)
        {
            throw FleetStatusException.Of(exception);
        }
    }

    /// <summary>Forgets what is remembered of a Cluster that is gone.</summary>
    /// <param name="cluster">The Cluster.</param>
    public void Forget(ClusterKey cluster) => _reconciler.Forget(cluster);

    /// <summary>Forgets what is remembered of all Clusters, because another replica has reconciled them since.</summary>
    public void ForgetAll() => _reconciler.ForgetAll();

    /// <summary>Watches Clusters until it is cancelled.</summary>
    /// <param name="namespace">The namespace; null means all.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <returns>What happens, in order; the value differs when something changed that may matter.</returns>
    public IAsyncEnumerable<FleetEvent<ClusterKey, int>> WatchClustersAsync(string? @namespace, CancellationToken cancellationToken) =>
        new FleetWatch<ObjectHeader, ClusterKey, int>(_management, _time)
        {
            FindTypeAsync = _versions.FindAsync,
            KeyOf = header => new ClusterKey(header.Metadata.Namespace ?? "", header.Metadata.Name ?? ""),
            Read = header => header.Fingerprint,
        }.RunAsync(@namespace, cancellationToken);

    /// <summary>
    /// Watches the HelmChartProxies of this product until it is cancelled. A change of their spec, metadata or conditions is reported, with
    /// the Cluster that it is for.
    /// </summary>
    /// <param name="namespace">The namespace; null means all.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <returns>What happens, in order; the value differs when something changed that may matter.</returns>
    public IAsyncEnumerable<FleetEvent<ClusterKey, int>> WatchReleasesAsync(string? @namespace, CancellationToken cancellationToken) =>
        new FleetWatch<ObjectHeader, ClusterKey, int>(_management, _time)
        {
            FindTypeAsync = (_, _) => Task.FromResult<(ResourceType<ObjectHeader>?, string?)>(
                (RegistryResources.HelmChartProxyConditions, null)),
            // By its owner, since labels can be edited away.
            KeyOf = header => ClusterOwner.KeyOf(header.Metadata),
            Read = header => HashCode.Combine(header.Fingerprint, header.Conditions),
            Selector = ObjectLabels.ManagedSelector,
        }.RunAsync(@namespace, cancellationToken);

    /// <summary>The Lease of the replica that reconciles.</summary>
    /// <param name="duration">How long it is valid without a renewal, 1 s to 1 h in whole seconds.</param>
    /// <returns>The Lease, not held yet.</returns>
    public LeaderLease CreateLease(TimeSpan duration) =>
        new(_management, new NamespacedName(_options.HookNamespace, LeaseName), duration, _time);
}
