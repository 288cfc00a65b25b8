using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Enabling;

/// <summary>
/// Requests a registry for new Clusters that do not mention one. It writes nothing itself: the API server applies the patch.
/// </summary>
public sealed class AutoEnabling : IDisposable
{
    /// <summary>Few calls at once: whoever reaches the port may ask, and hooks have a client of their own.</summary>
    private static readonly KubernetesClientOptions Limits = new()
    {
        MaxCallsInFlight = 4,
        MaxAttempts = 2,
        CallTimeout = TimeSpan.FromSeconds(1.5),
        TotalTimeout = ClusterClassLookup.LongestRead,
        // Twice the largest object that etcd takes.
        MaxResponseBytes = 4 * 1024 * 1024,
    };

    private readonly RegistryOptions _options;
    private readonly ClassSearch _search;
    private readonly KubernetesClient? _management;

    private AutoEnabling(RegistryOptions options, KubernetesClient management, TimeProvider time)
        : this(options, new ClusterClassLookup(management, options.Variable, time).FindAsync) => _management = management;

    internal AutoEnabling(RegistryOptions options, ClassSearch search) => (_options, _search) = (options, search);

    /// <summary>Creates the client of the management cluster; nothing is called yet.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="options">The admin's decisions, validated.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    public static AutoEnabling Connect(ManagementConnection connection, RegistryOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(options);
        return new(options, new KubernetesClient(connection.Load(time), Limits, time), time);
    }

    /// <summary>Decides about a Cluster that is about to be created; within two seconds, whatever the API server does.</summary>
    /// <param name="cluster">The Cluster of the admission request.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<AutoEnableDecision> DecideAsync(Cluster cluster, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        return NewCluster.Evaluate(cluster, _options) switch
        {
            NewCluster.Eligible eligible => Decide(eligible, await _search(cluster, eligible.Class, cancellationToken)),
            NewCluster.LeftAlone alone => new AutoEnableDecision(alone.Reason),
            _ => throw new InvalidOperationException("A new Cluster is eligible or left alone."),
        };
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _management?.Dispose();

    private AutoEnableDecision Decide(NewCluster.Eligible cluster, ClassSupport support) => support switch
    {
        ClassSupport.Present => new AutoEnableDecision("A registry was requested.") { Patch = cluster.Patch },
        ClassSupport.Absent => new AutoEnableDecision($"The ClusterClass {cluster.Class} has no variable {_options.Variable.Field}."),
        _ => new AutoEnableDecision(
            $"No registry was requested: the variables of the ClusterClass {cluster.Class} are not known yet. Set "
                + $"{_options.Variable.Field} to request one.") { IsWarning = true },
    };
}

/// <summary>Finds out whether Clusters of a ClusterClass can request a registry.</summary>
internal delegate Task<ClassSupport> ClassSearch(Cluster cluster, NamespacedName name, CancellationToken cancellationToken);

/// <summary>What auto-enable does with a Cluster.</summary>
/// <param name="Reason">Why, as a sentence.</param>
public sealed record AutoEnableDecision(string Reason)
{
    /// <summary>The operations of a JSON patch (RFC 6902); null when the Cluster is left alone.</summary>
    public JsonArray? Patch { get; init; }

    /// <summary>Whether the user has to learn of it, since a registry may have been expected.</summary>
    public bool IsWarning { get; init; }
}
