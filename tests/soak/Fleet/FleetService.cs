using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using Microsoft.Extensions.Logging.Abstractions;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>
/// The background work of the service as it is, with its watches, queue and workers, on a management cluster after years of simulation.
/// </summary>
internal sealed partial class FleetService : IAsyncDisposable
{
    private static readonly ReconcilerOptions Options = new() { Rate = 1000 };

    private readonly SimulatedWorld _world;
    private readonly SimulatedFleet _fleet;
    private readonly SimulatedReplica _pods;
    private readonly EmbeddedApiServer _server;
    private readonly RegistryLifecycle _registry;
    private readonly ReconcilerMetrics _metrics = new();
    private readonly Reconciler _reconciler;

    private FleetService(SimulatedWorld world, SimulatedFleet fleet, EmbeddedApiServer server)
    {
        (_world, _fleet, _server) = (world, fleet, server);
        _pods = new SimulatedReplica(world, fleet);
        var time = new ShiftedTime(world.Time.GetUtcNow());
        var limits = new KubernetesClientOptions { CreateHandler = Line, MaxResponseBytes = SimulatedReplica.MaxResponseBytes };
        _registry = RegistryLifecycle.Connect(
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(server.Kubeconfig), null, time), limits,
            new RegistryOptions { WatchNamespaces = SimulatedWorld.Namespaces }, time, _pods.LookAtPodsAsync);
        var parts = new ReconcilerParts(
            new ClusterInformer(_registry.Fleet, NullLogger<ClusterInformer>.Instance),
            new ReconcileWorkers(_registry.Fleet, Options, _metrics, time, NullLogger<ReconcileWorkers>.Instance),
            new RootRotationController(_registry.Fleet, _metrics, time, NullLogger<RootRotationController>.Instance),
            new RolloutController(_registry.Fleet, _metrics, time, NullLogger<RolloutController>.Instance));
        _reconciler = new Reconciler(_registry.Fleet, parts, _metrics, Options, time, NullLogger<Reconciler>.Instance);
    }

    public static async Task<FleetService> StartAsync(SimulatedWorld world, SimulatedFleet fleet, CancellationToken cancellationToken)
    {
        var service = new FleetService(world, fleet, await EmbeddedApiServer.StartAsync(fleet.Management, cancellationToken));
        await service._reconciler.StartAsync(cancellationToken);
        return service;
    }

    /// <summary>
    /// Clusters come into every phase and some are deleted: then the metrics name each Cluster that has a certificate, whatever its phase,
    /// and no other, and nothing in memory holds the name of one that is deleted.
    /// </summary>
    public async Task AssertMetricsAndMemoryAsync(CancellationToken cancellationToken)
    {
        var refused = _fleet.Clusters.Count(cluster => cluster.HasForeignRelease);
        await UntilPhasesAsync(cancellationToken, ("ready", _fleet.Clusters.Count - refused), ("refused", refused));
        AssertSeries(_fleet.Clusters.Where(cluster => !cluster.HasForeignRelease));

        var ready = _fleet.Clusters.Where(cluster => !cluster.HasForeignRelease).ToList();
        Assert.True(ready.Count >= 12, "Too few clusters for all phases.");
        await _fleet.Objects.PauseAsync(ready[0], true, cancellationToken);
        await _fleet.Objects.PatchClusterAsync(ready[1], Variables(new JsonObject { ["replicas"] = -1 }), cancellationToken);
        await _fleet.Objects.PatchClusterAsync(ready[2], Variables(null), cancellationToken);
        // No add-on provider rolls its pods here.
        await AskForRenewalAsync(ready[3], cancellationToken);
        ready[4].AwayUntil = DateTimeOffset.MaxValue;
        await AskForRenewalAsync(ready[4], cancellationToken);
        await HoldAndDeleteAsync(ready[5], cancellationToken);
        await UntilPhasesAsync(cancellationToken, ("ready", ready.Count - 6), ("paused", 1), ("invalid", 1), ("off", 1),
            ("refused", refused), ("waiting", 1), ("unreachable", 1), ("deleting", 1));
        AssertSeries(ready.Where(cluster => cluster != ready[2]));

        foreach (var cluster in ready[..8])
            await _fleet.DeleteClusterAsync(cluster, cancellationToken);
        await UntilPhasesAsync(cancellationToken, ("ready", ready.Count - 8), ("refused", refused),
            ("paused", 0), ("invalid", 0), ("off", 0), ("waiting", 0), ("unreachable", 0), ("deleting", 0));
        AssertSeries(ready[8..]);
        foreach (var cluster in ready[..8])
            Assert.Null(MemorySearch.Find(cluster.Key, _registry, _reconciler, _metrics));
        Assert.NotNull(MemorySearch.Find(ready[8].Key, _registry, _reconciler, _metrics));
    }

    public async ValueTask DisposeAsync()
    {
        await _reconciler.StopAsync(CancellationToken.None);
        _reconciler.Dispose();
        _registry.Dispose();
        _pods.Dispose();
        await _server.DisposeAsync();
    }

    private static JsonObject Variables(JsonObject? registry) => new()
    {
        ["spec"] = new JsonObject
        {
            ["topology"] = new JsonObject
            {
                ["variables"] = registry is null ? new JsonArray() : new JsonArray(new JsonObject
                {
                    ["name"] = "clusterConfig",
                    ["value"] = new JsonObject { ["addons"] = new JsonObject { ["registry"] = registry } },
                }),
            },
        },
    };

    private HttpMessageHandler Line(ClusterConnection connection) => connection.Server.IsLoopback
        ? ConnectionHandler.Create(connection)
        : new SimulatedLine(
            _world.Chaos, _pods, () => _world.Find(connection.Server.Host)?.IsThere == true,
            _world.Find(connection.Server.Host)!.Api.CreateHandler());

    private Task AskForRenewalAsync(SimulatedCluster cluster, CancellationToken cancellationToken) =>
        _fleet.Objects.PatchClusterAsync(cluster, new JsonObject { ["metadata"] = new JsonObject {
            ["annotations"] = new JsonObject { ["capi-registry-hook.io/renew"] = "now" } } }, cancellationToken);

    private async Task HoldAndDeleteAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        await _fleet.Objects.PatchClusterAsync(cluster, new JsonObject { ["metadata"] = new JsonObject {
            ["finalizers"] = new JsonArray("example.com/hold") } }, cancellationToken);
        await _fleet.Objects.BeginDeletionAsync(cluster, cancellationToken);
    }

    private Task UntilPhasesAsync(CancellationToken cancellationToken, params (string Phase, int Count)[] expected) => Polling.UntilAsync(
        string.Join(", ", expected.Select(phase => $"{phase.Count} {phase.Phase}")),
        () => Task.FromResult(expected.All(phase => Metrics().Contains($"capi_registry_hook_clusters{{phase=\"{phase.Phase}\"}} {phase.Count}\n",
            StringComparison.Ordinal))),
        () => string.Join('\n', Metrics().Split('\n').Where(line => line.Contains("hook_clusters{", StringComparison.Ordinal))),
        cancellationToken);

    private void AssertSeries(IEnumerable<SimulatedCluster> clusters)
    {
        var now = _world.Time.GetUtcNow().ToUnixTimeSeconds();
        var series = CertificateSeries().Matches(Metrics());
        Assert.Equal(
            clusters.Select(cluster => cluster.Key).OrderBy(key => key.Name, StringComparer.Ordinal),
            series.Select(match => new ClusterKey(match.Groups[1].Value, match.Groups[2].Value))
                .OrderBy(key => key.Name, StringComparer.Ordinal));
        Assert.All(series, match => Assert.True(double.Parse(match.Groups[3].Value, CultureInfo.InvariantCulture) > now));
    }

    private string Metrics()
    {
        var text = new MetricsText();
        _metrics.WriteTo(text);
        return text.ToString();
    }

    [GeneratedRegex("certificate_not_after_timestamp_seconds\\{cluster_namespace=\"([^\"]+)\",cluster=\"([^\"]+)\"\\} (\\S+)")]
    private static partial Regex CertificateSeries();
}
