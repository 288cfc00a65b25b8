using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Clusters;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Preflight;

/// <summary>
/// Finds out, before a Cluster gets its registry, what would be in the way. It reads, asks what is allowed, and changes nothing.
/// </summary>
public sealed class RegistryPreflight : IDisposable
{
    /// <summary>A person waits; a server that is slower than this is worth a line of its own.</summary>
    private static readonly KubernetesClientOptions Limits = new()
    {
        CallTimeout = TimeSpan.FromSeconds(5), TotalTimeout = TimeSpan.FromSeconds(8),
    };

    private readonly KubernetesClient _management;
    private readonly SecretKubeconfigClients _workloads;
    private readonly RegistryOptions _options;
    private readonly TimeProvider _time;

    private RegistryPreflight(KubernetesClient management, RegistryOptions options, TimeProvider time)
    {
        _management = management;
        _options = options;
        _time = time;
        _workloads = new SecretKubeconfigClients(management, Limits, time, new AddressPolicy(options.AllowedWorkloadNetworks));
    }

    /// <summary>Makes the client of the management cluster; nothing is called yet.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="options">The admin's decisions.</param>
    /// <param name="time">The clock of this machine, which the clusters' clocks are held against.</param>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    public static RegistryPreflight Connect(ManagementConnection connection, RegistryOptions options, TimeProvider time) =>
        new(new KubernetesClient(connection.Load(time), Limits, time), options, time);

    /// <summary>The Cluster as it is on the management cluster; null when it is not there.</summary>
    /// <exception cref="PreflightException">The management cluster can't be asked.</exception>
    public async Task<Cluster?> FindAsync(ClusterKey key, CancellationToken cancellationToken)
    {
        try
        {
            var (type, problem) = await new ClusterVersions(_management).FindAsync(key.Namespace, cancellationToken);
            return type is null ? throw new PreflightException($"Clusters can't be read on the management cluster: {problem}")
                : await _management.FindAsync(RegistryResources.Clusters(type.Version), key.Object, cancellationToken);
        }
        catch (KubernetesApiException exception)
        {
            throw new PreflightException(FaultSentences.OfManagementForCommand(exception), exception);
        }
    }

    /// <summary>What a Cluster would get.</summary>
    /// <param name="cluster">The Cluster, live or as it is to be created.</param>
    public PreflightPlan Plan(Cluster cluster) => new(cluster, _options);

    /// <summary>Runs all checks for one Cluster, in the order in which they are told.</summary>
    /// <param name="planned">What it would get.</param>
    /// <param name="exists">Whether it is on the management cluster; its workload cluster is asked only then.</param>
    /// <param name="service">The service as it is installed.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<IReadOnlyList<PreflightFinding>> RunAsync(
        PreflightPlan planned, bool exists, InstalledService service, CancellationToken cancellationToken)
    {
        var management = new ManagementPreflight(_management, _options, service);
        var workload = new WorkloadPreflight(new WorkloadAccess(_workloads), _time);
        var parts = await Task.WhenAll(
            Task.FromResult<IReadOnlyList<PreflightFinding>>([Judge(planned.Result)]),
            management.RunAsync(planned.Cluster, cancellationToken),
            exists && planned.Wanted is { } plan ? workload.RunAsync(plan, cancellationToken) : Task.FromResult(WorkloadPreflight.NotYet));
        return [.. parts.SelectMany(part => part)];
    }

    /// <summary>Ends the connections.</summary>
    public void Dispose()
    {
        _workloads.Dispose();
        _management.Dispose();
    }

    private PreflightFinding Judge(PlanResult planned) => planned switch
    {
        PlanResult.Wanted { Plan: { Warnings: [var warning, ..] } } =>
            PreflightFinding.Warn("variable", warning, "see the command plan, which prints all that the Cluster would get."),
        PlanResult.Wanted wanted => PreflightFinding.Pass(
            "variable", $"A registry with {wanted.Plan.Replicas} replicas at {string.Join(", ", wanted.Plan.Addresses.All)}."),
        PlanResult.Invalid invalid => PreflightFinding.Fail(
            "variable", Problem.Describe(invalid.Problems), $"correct the variable {_options.Variable.Field}."),
        _ => PreflightFinding.Fail("variable", "The Cluster requests no registry.", $"set the variable {_options.Variable.Field} to {{}}."),
    };
}

/// <summary>The service, as the Runtime Extension that is installed.</summary>
/// <param name="ExtensionConfig">Name of its ExtensionConfig.</param>
/// <param name="ServiceAccount">Name of its ServiceAccount, in its namespace.</param>
public sealed record InstalledService(string ExtensionConfig, string ServiceAccount);

/// <summary>The checks can't begin; the message says why and what to do.</summary>
public sealed class PreflightException(string message, Exception? cause = null) : Exception(message, cause);
