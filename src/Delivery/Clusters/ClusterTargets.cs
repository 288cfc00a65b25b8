using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Delivery.Clusters;

/// <summary>
/// Opens the registries of clusters: through the workload cluster's API server to each replica's pod, with TLS verified by name against the
/// cluster's own trust bundle. Safe for several calls at once.
/// </summary>
/// <param name="directory">Where the clusters are found; not disposed here.</param>
/// <param name="logins">The login that was given, and those that people have, for registries that ask for one.</param>
/// <param name="time">The clock.</param>
public sealed class ClusterTargets(ClusterRegistryDirectory directory, TargetLogins logins, TimeProvider time)
{
    /// <summary>Bytes of one upload request; null for the default.</summary>
    public int? ChunkSize { get; init; }

    /// <summary>Gets each stream to a replica, and returns what is used instead; null for the stream itself.</summary>
    public Func<ClusterKey, Stream, Stream>? Limit { get; init; }

    /// <summary>The registry of a Cluster, to be opened later.</summary>
    public TargetAddress AddressOf(ClusterKey cluster) =>
        new(cluster.ToString(), cancellationToken => OpenAsync(cluster, cancellationToken));

    /// <summary>Opens the registry of a Cluster. Connections to its replicas are made when they are used.</summary>
    /// <exception cref="ClusterRegistryException">The management cluster does not lead there.</exception>
    /// <exception cref="Kubernetes.Client.KubernetesApiException">The workload cluster can't be asked.</exception>
    /// <exception cref="DeliveryException">The registry is not installed.</exception>
    public async Task<RegistryTarget> OpenAsync(ClusterKey cluster, CancellationToken cancellationToken)
    {
        var registry = await directory.FindAsync(cluster, cancellationToken);
        var lease = await directory.RentWorkloadAsync(cluster, cancellationToken);
        try
        {
            var layout = await ReplicaLayout.ReadAsync(lease.Client, cancellationToken);
            var options = await OptionsOfAsync(registry, lease.Client, layout.AccountsSecret, cancellationToken);
            var replicas = Enumerable.Range(0, layout.Replicas)
                .Select(ordinal => Replica(registry, lease.Client, ordinal, options)).ToList();
            var rule = registry.Upstreams is { } upstreams ? new MirrorRule(upstreams) : MirrorRule.ByPath;
            return new RegistryTarget(cluster.ToString(), rule, replicas, layout.Primary, lease)
            {
                Workload = lease.Client, Pulls = layout.Pulls, TrustPem = registry.TrustPem,
                PullAddress = layout.PullAddress, LoginSecret = registry.LoginSecret?.ToString(),
                ReadKubeconfigAsync = token => directory.ReadKubeconfigAsync(cluster, token),
                ReadFreeSpaceAsync = token => FreeSpace.ReadAsync(lease.Client, token),
            };
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private RegistryReplica Replica(
        ClusterRegistry registry, KubernetesClient workload, int ordinal, RegistryOptions options)
    {
        var pod = ClusterRegistry.Pod(ordinal);
        return new RegistryReplica(pod.Name, new Uri($"https://{ClusterRegistry.ServerName}/"), registry.TrustPem,
            options, async cancellationToken =>
            {
                var stream = await workload.OpenPortAsync(pod, ClusterRegistry.PodPort, cancellationToken);
                return Limit?.Invoke(registry.Cluster, stream) ?? stream;
            });
    }

    /// <summary>The one place that decides how a cluster's registry knows the caller: by the login that was given, else the one that was
    /// generated for it, else the one kept under <c>namespace/name</c> of the Cluster, else the one that its replicas have. So no cluster
    /// is ever told the login of another registry.</summary>
    private async Task<RegistryOptions> OptionsOfAsync(
        ClusterRegistry registry, KubernetesClient workload, NamespacedName? accounts, CancellationToken cancellationToken)
    {
        var name = registry.Cluster.ToString();
        var own = logins.HasGiven ? null
            : registry.LoginSecret is { } secret ? await directory.FindLoginAsync(secret, cancellationToken)
            : accounts is { } shared && await logins.FindAsync(name, cancellationToken) is null
                ? await RegistryAccounts.FindLoginAsync(workload, shared, cancellationToken) : null;
        var options = new RegistryOptions
        {
            Logins = own is null ? logins : new TargetLogins(new Login(own.UserName, own.Password), logins),
            LoginName = name,
            Time = time,
        };
        return ChunkSize is { } size ? options with { ChunkSize = size } : options;
    }
}
