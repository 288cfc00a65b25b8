using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>One replica of the service, as its process holds it: what it remembers goes with it when it dies.</summary>
internal sealed class SimulatedReplica : IDisposable
{
    /// <summary>Small beside a fat Cluster, so that pages have to be halved.</summary>
    public const int MaxResponseBytes = 256 * 1024;

    private static readonly RegistryOptions Options = new() { WatchNamespaces = SimulatedWorld.Namespaces };

    private readonly SimulatedWorld _world;
    private readonly SimulatedFleet _fleet;
    private volatile bool _isDead;

    public SimulatedReplica(SimulatedWorld world, SimulatedFleet fleet)
    {
        (_world, _fleet) = (world, fleet);
        var clientOptions = new KubernetesClientOptions
        {
            CreateHandler = Line,
            MaxAttempts = 2,
            BackoffBase = TimeSpan.FromMilliseconds(1),
            BackoffCap = TimeSpan.FromMilliseconds(1),
            // A page of fat Clusters is larger, and so is one of all HelmChartProxies.
            MaxResponseBytes = MaxResponseBytes,
        };
        var management = new ClusterConnection { Server = fleet.Management.Address, Credentials = new StaticToken(fleet.Management.Token) };
        Registry = RegistryLifecycle.Connect(management, clientOptions, Options, world.Time, LookAtPodsAsync);
    }

    /// <summary>The product.</summary>
    public RegistryLifecycle Registry { get; }

    public bool IsDead => _isDead;

    public void Die() => _isDead = true;

    public Task<ReconcileResult> ReconcileAsync(ClusterKey key, CancellationToken cancellationToken) =>
        Registry.Fleet.ReconcileAsync(key, verify: false, cancellationToken);

    public Task<RotationReport> AdvanceAsync(CancellationToken cancellationToken) =>
        Registry.Fleet.AdvanceRootAsync(cancellationToken);

    public void Dispose() => Registry.Dispose();

    private SimulatedLine Line(ClusterConnection connection) => _world.Find(connection.Server.Host) is { } cluster
        ? new SimulatedLine(_world.Chaos, this, () => cluster.IsThere, cluster.Api.CreateHandler())
        : new SimulatedLine(_world.Chaos, this, () => true, _fleet.Management.CreateHandler());

    /// <summary>The handshake with each pod, without the network in between; the way to the API server may break as for any call.</summary>
    public async Task<ServedResult> LookAtPodsAsync(
        KubernetesClient workload, ExpectedPods expected, CancellationToken cancellationToken)
    {
        var cluster = await FindAsync(workload, cancellationToken);
        var served = cluster.Served.ToList();
        if (served.Count < expected.Replicas)
            return new ServedResult.Waiting("The pods are not there yet.");
        if (served.Any(chain => TrustCheck.ValidUntil(chain, expected.Trust.ToPem(), _world.Time.GetUtcNow()) is null))
            return new ServedResult.Untrusted("A pod shows what the nodes refuse.");
        return served.All(chain => TrustCheck.SerialOf(chain) == expected.Serial)
            ? new ServedResult.AllServed()
            : new ServedResult.Waiting("A pod shows another certificate.");
    }

    /// <summary>Each API server has a namespace of its cluster's name.</summary>
    private async Task<SimulatedCluster> FindAsync(KubernetesClient workload, CancellationToken cancellationToken)
    {
        await foreach (var found in workload.ListAsync(CoreResources.Namespaces, new ListOptions(), cancellationToken))
        {
            if (_world.Find($"{found.Metadata.Name}.test") is { } cluster)
                return cluster;
        }

        throw new InvalidOperationException("The API server is of no cluster.");
    }
}
