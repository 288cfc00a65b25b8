using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry.Clients;

/// <summary>
/// What the syncer reads and writes on the management cluster: RegistryContents, what lies beside them, and Clusters. Safe for several
/// calls at once. Calls fail with a <see cref="KubernetesApiException"/>.
/// </summary>
public sealed class ContentFleet : IDisposable
{
    /// <summary>The owner of the status of contents.</summary>
    public const string FieldManager = "capi-registry-hook-sync";

    private const string LeaseName = "capi-registry-hook-sync";

    /// <summary>A page is held in memory as a whole, and a Cluster with its status and managed fields takes 10 to 20 KB.</summary>
    private const int PageSize = 100;

    private readonly KubernetesClient _management;
    private readonly RegistryOptions _options;
    private readonly TimeProvider _time;
    private readonly ClusterVersions _versions;

    private ContentFleet(KubernetesClient management, RegistryOptions options, TimeProvider time, ApiCallCounts calls)
    {
        _management = management;
        _options = options;
        _time = time;
        _versions = new ClusterVersions(management);
        ApiCalls = calls;
    }

    /// <summary>How many calls of the management API server were made, and how they ended.</summary>
    public ApiCallCounts ApiCalls { get; }

    /// <summary>The namespaces with Clusters and contents; one null for all.</summary>
    public IReadOnlyList<string?> Places => _options.Places;

    /// <summary>The namespaces whose contents may select Clusters of all namespaces.</summary>
    public IReadOnlyList<string> SharedNamespaces => _options.ContentSharedNamespaces;

    /// <summary>Makes the client of the management cluster; nothing is called yet.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="options">The admin's decisions.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    public static ContentFleet Connect(ManagementConnection connection, RegistryOptions options, TimeProvider time)
    {
        var calls = new ApiCallCounts();
        var limits = new KubernetesClientOptions
        {
            CallTimeout = TimeSpan.FromSeconds(10), TotalTimeout = TimeSpan.FromSeconds(20), OnAttempt = calls.CountManagement,
        };
        return new ContentFleet(new KubernetesClient(connection.Load(time), limits, time), options, time, calls);
    }

    /// <summary>Watches RegistryContents until it is cancelled.</summary>
    /// <param name="namespace">The namespace; null means all.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    public IAsyncEnumerable<FleetEvent<ContentKey, RegistryContent>> WatchContentsAsync(
        string? @namespace, CancellationToken cancellationToken) =>
        new FleetWatch<RegistryContent, ContentKey, RegistryContent>(_management, _time)
        {
            FindTypeAsync = (_, _) => Task.FromResult<(ResourceType<RegistryContent>?, string?)>((ContentResources.Contents, null)),
            KeyOf = content => content.Key,
            Read = content => content,
        }.RunAsync(@namespace, cancellationToken);

    /// <summary>Watches Clusters until it is cancelled.</summary>
    /// <param name="namespace">The namespace; null means all.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    public IAsyncEnumerable<FleetEvent<ClusterKey, ContentCluster>> WatchClustersAsync(
        string? @namespace, CancellationToken cancellationToken) =>
        new FleetWatch<Cluster, ClusterKey, ContentCluster>(_management, _time)
        {
            FindTypeAsync = async (place, token) =>
            {
                var (type, problem) = await _versions.FindAsync(place, token);
                return (type is null ? null : RegistryResources.Clusters(type.Version), problem);
            },
            KeyOf = cluster => cluster.Key,
            Read = Read,
        }.RunAsync(@namespace, cancellationToken);

    /// <summary>The contents that select a Cluster now, suspended ones left out; none where the kind is not installed.</summary>
    /// <param name="cluster">The Cluster, which need not be there yet.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<IReadOnlyList<RegistryContent>> ListForAsync(Cluster cluster, CancellationToken cancellationToken)
    {
        var selection = new ContentSelection(_options.ContentSharedNamespaces);
        var found = new List<RegistryContent>();
        foreach (var place in _options.ContentSharedNamespaces.Append(cluster.Key.Namespace).Distinct(StringComparer.Ordinal))
        {
            try
            {
                await foreach (var content in _management.ListAsync(
                    ContentResources.Contents, new ListOptions { Namespace = place, PageSize = PageSize }, cancellationToken))
                {
                    if (!ContentSelection.IsSuspended(content) && selection.Selects(content, cluster.Key, cluster.Metadata.Labels))
                        found.Add(content);
                }
            }
            catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
            {
                return [];
            }
        }

        return found;
    }

    /// <summary>Replaces the status of a content. A content that is gone has none.</summary>
    public async Task WriteStatusAsync(ContentKey content, RegistryContentStatus status, CancellationToken cancellationToken)
    {
        var value = new RegistryContent
        {
            Metadata = new ObjectMeta { Name = content.Name, Namespace = content.Namespace }, Status = status,
        };
        try
        {
            await _management.ServerSideApplyAsync(ContentResources.Contents, value,
                new ApplyOptions(FieldManager, Force: true) { OnStatus = true }, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            // It was deleted meanwhile.
        }
    }

    /// <summary>A Secret beside a content; null when it is not there.</summary>
    public Task<Secret?> FindSecretAsync(ContentKey content, string name, CancellationToken cancellationToken) =>
        _management.FindAsync(CoreResources.Secrets, new NamespacedName(content.Namespace, name), cancellationToken);

    /// <summary>The data of a ConfigMap beside a content; null when it is not there.</summary>
    public async Task<IReadOnlyDictionary<string, string>?> FindConfigMapAsync(
        ContentKey content, string name, CancellationToken cancellationToken) =>
        await _management.FindAsync(ContentResources.ConfigMaps, new NamespacedName(content.Namespace, name), cancellationToken) is { } map
            ? map.Data ?? new Dictionary<string, string>() : null;

    /// <summary>The Lease of the replica that syncs.</summary>
    /// <param name="duration">How long it is valid without a renewal, 1 s to 1 h in whole seconds.</param>
    public LeaderLease CreateLease(TimeSpan duration) =>
        new(_management, new NamespacedName(_options.HookNamespace, LeaseName), duration, _time);

    /// <summary>Ends the connections.</summary>
    public void Dispose() => _management.Dispose();

    private ContentCluster Read(Cluster cluster) => new(cluster.Key)
    {
        Labels = cluster.Metadata.Labels ?? new Dictionary<string, string>(),
        NeededFor = cluster.Metadata.Annotations?.GetValueOrDefault(ContentResources.NeededAnnotation),
        HasRegistry = cluster.Metadata.DeletionTimestamp is null && RegistrySettings.Find(cluster, _options.Variable, []) is not null,
    };
}

/// <summary>What decides which content a Cluster gets.</summary>
/// <param name="Key">The Cluster.</param>
public sealed record ContentCluster(ClusterKey Key)
{
    /// <summary>Its labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>What somebody waits for, as a Kubernetes version; null when nobody does.</summary>
    public string? NeededFor { get; init; }

    /// <summary>Whether it requests a registry and is not being deleted.</summary>
    public bool HasRegistry { get; init; }
}
