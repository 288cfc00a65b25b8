using System.Net;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Clusters;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Clients;

/// <summary>
/// Finds the registries of clusters for clients, by the management cluster alone: which Clusters have one, what verifies it, and the way
/// to its workload cluster. Safe for several calls at once.
/// </summary>
public sealed class ClusterRegistryDirectory : IDisposable
{
    /// <summary>A person waits, and many clusters are asked at once: longer than a hook may wait.</summary>
    private static readonly KubernetesClientOptions Limits = new()
    {
        CallTimeout = TimeSpan.FromSeconds(10), TotalTimeout = TimeSpan.FromSeconds(20),
    };

    private readonly KubernetesClient _management;
    private readonly SecretKubeconfigClients _workloads;
    private readonly RegistryOptions _options;
    private readonly Lazy<Task<string>> _version;

    private ClusterRegistryDirectory(KubernetesClient management, RegistryOptions options, TimeProvider time, int mostClients)
    {
        _management = management;
        _options = options;
        _workloads = new SecretKubeconfigClients(management, Limits, time, new AddressPolicy(options.AllowedWorkloadNetworks))
        {
            Most = mostClients,
        };
        _version = new Lazy<Task<string>>(FindVersionAsync);
    }

    /// <summary>Makes the client of the management cluster; nothing is called yet.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="options">The admin's decisions: where the settings are, and where kubeconfigs may lead.</param>
    /// <param name="time">The clock.</param>
    /// <param name="mostClients">Clients of workload clusters that are kept for their next use, 1 or more.</param>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    public static ClusterRegistryDirectory Connect(
        ManagementConnection connection, RegistryOptions options, TimeProvider time, int mostClients = 256) =>
        new(new KubernetesClient(connection.Load(time), Limits, time), options, time, mostClients);

    /// <summary>The Clusters that request a registry, in order of their names.</summary>
    /// <param name="labelSelector">A label selector of Kubernetes; null for all Clusters.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <exception cref="ClusterRegistryException">The management cluster can't be asked.</exception>
    public async Task<IReadOnlyList<ClusterKey>> SelectAsync(string? labelSelector, CancellationToken cancellationToken)
    {
        var found = new SortedSet<(string Namespace, string Name)>();
        try
        {
            var type = RegistryResources.Clusters(await _version.Value);
            foreach (var place in _options.Places)
            {
                var which = new ListOptions { Namespace = place, LabelSelector = labelSelector };
                await foreach (var cluster in _management.ListAsync(type, which, cancellationToken))
                {
                    if (cluster.Metadata.DeletionTimestamp is null && RegistrySettings.Find(cluster, _options.Variable, []) is not null)
                        found.Add(Checked(cluster.Name));
                }
            }
        }
        catch (KubernetesApiException exception)
        {
            throw new ClusterRegistryException(FaultSentences.OfManagementForCommand(exception), exception);
        }

        return [.. found.Select(name => new ClusterKey(name.Namespace, name.Name))];
    }

    /// <summary>What a client has to know of a Cluster's registry.</summary>
    /// <exception cref="ClusterRegistryException">The Cluster is not there, has no registry, or nothing verifies it yet.</exception>
    public async Task<ClusterRegistry> FindAsync(ClusterKey cluster, CancellationToken cancellationToken)
    {
        try
        {
            var type = RegistryResources.Clusters(await _version.Value);
            var live = await _management.FindAsync(type, cluster.Object, cancellationToken)
                ?? throw new ClusterRegistryException($"There is no Cluster {cluster} on the management cluster.");
            var problems = new List<Problem>();
            var settings = RegistrySettings.Find(live, _options.Variable, problems);
            if (problems.Count > 0)
                throw new ClusterRegistryException(Problem.Describe(problems));
            if (settings is null)
                throw new ClusterRegistryException(
                    $"The Cluster {cluster} requests no registry in its variable {_options.Variable.Field}.");
            var upstreams = settings.Mirror.Mode == MirrorMode.PerUpstream ? settings.Mirror.Upstreams : null;
            return new ClusterRegistry(cluster, await ReadTrustAsync(cluster, cancellationToken), upstreams)
            {
                LoginSecret = settings.GeneratesLogin ? RegistryBasis.LoginSecret(cluster.Object) : null,
            };
        }
        catch (KubernetesApiException exception)
        {
            throw new ClusterRegistryException(FaultSentences.OfManagementForCommand(exception), exception);
        }
    }

    /// <summary>The login that the service made for a registry; null when it is not there yet.</summary>
    /// <param name="secret">The Secret with it.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="ClusterRegistryException">The Secret can't be read, or holds no such login.</exception>
    public async Task<NetworkCredential?> FindLoginAsync(NamespacedName secret, CancellationToken cancellationToken)
    {
        try
        {
            if (await _management.FindAsync(CoreResources.Secrets, secret, cancellationToken) is not { } found)
                return null;
            return LoginSecret.Read(found) is { } login ? new NetworkCredential(login.UserName, login.Password)
                : throw new ClusterRegistryException(LoginSecret.Unusable(secret));
        }
        catch (KubernetesApiException exception)
        {
            throw new ClusterRegistryException(FaultSentences.OfManagementForCommand(exception), exception);
        }
    }

    /// <summary>A client of the workload cluster, by the kubeconfig Secret beside the Cluster.</summary>
    /// <exception cref="ClusterRegistryException">The Secret is not there, or its kubeconfig can't be used.</exception>
    public async Task<ClientLease> RentWorkloadAsync(ClusterKey cluster, CancellationToken cancellationToken)
    {
        var secret = RegistryPlan.KubeconfigSecretOf(cluster.Object);
        try
        {
            return await _workloads.RentAsync(secret, SecretKeys.Kubeconfig, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            throw new ClusterRegistryException(FaultSentences.NoKubeconfig(secret).Reason, exception);
        }
        catch (KubernetesApiException exception)
        {
            throw new ClusterRegistryException(FaultSentences.OfManagementForCommand(exception), exception);
        }
        catch (KubeconfigException exception)
        {
            throw new ClusterRegistryException(FaultSentences.OfKubeconfig(secret, exception).Reason, exception);
        }
    }

    /// <summary>Why a call to a workload cluster failed, as a sentence without the server's own words.</summary>
    public static string Explain(KubernetesApiException exception) => exception.Fault switch
    {
        KubernetesFault.Unreachable => "The workload API server can't be reached.",
        KubernetesFault.Timeout => "The workload API server did not answer in time.",
        KubernetesFault.Unavailable or KubernetesFault.TooManyRequests => "The workload API server can't answer now.",
        _ => FaultSentences.OfWorkloadForCommand(exception),
    };

    /// <summary>The kubeconfig of a Cluster's workload cluster, for programs that need the file.</summary>
    /// <exception cref="ClusterRegistryException">The Secret is not there or has no kubeconfig.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadKubeconfigAsync(ClusterKey cluster, CancellationToken cancellationToken)
    {
        var secret = RegistryPlan.KubeconfigSecretOf(cluster.Object);
        try
        {
            var found = await _management.FindAsync(CoreResources.Secrets, secret, cancellationToken);
            return found?.Value(SecretKeys.Kubeconfig) is { Length: > 0 } kubeconfig ? kubeconfig
                : throw new ClusterRegistryException(FaultSentences.NoKubeconfig(secret).Reason);
        }
        catch (KubernetesApiException exception)
        {
            throw new ClusterRegistryException(FaultSentences.OfManagementForCommand(exception), exception);
        }
    }

    /// <summary>Ends the connections.</summary>
    public void Dispose()
    {
        _workloads.Dispose();
        _management.Dispose();
    }

    private static (string Namespace, string Name) Checked(NamespacedName name) =>
        KubernetesNames.IsLabel(name.Namespace) && KubernetesNames.IsSubdomain(name.Name) ? (name.Namespace, name.Name)
            : throw new ClusterRegistryException("The management cluster lists a Cluster whose name is not valid.");

    private async Task<string> FindVersionAsync()
    {
        foreach (var place in _options.Places)
        {
            if ((await new ClusterVersions(_management).FindAsync(place, CancellationToken.None)).Type is { } type)
                return type.Version;
        }

        return RegistryResources.NewestClusterVersion;
    }

    private async Task<string> ReadTrustAsync(ClusterKey cluster, CancellationToken cancellationToken)
    {
        var name = RegistryBasis.TrustSecret(cluster.Object);
        var secret = await _management.FindAsync(CoreResources.Secrets, name, cancellationToken);
        return secret is not null && TrustSecret.Read(secret) is { } bundle ? bundle.ToPem()
            : throw new ClusterRegistryException($"The Secret {name} with the CA certificates of the registry is not there yet.");
    }
}
