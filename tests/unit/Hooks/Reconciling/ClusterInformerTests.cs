using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Unit.Tests.Kubernetes;
using Microsoft.Extensions.Logging.Abstractions;

namespace CapiRegistryHook.Unit.Tests.Hooks.Reconciling;

/// <summary>What an API server's watches bring into the queue.</summary>
public sealed class ClusterInformerTests : IAsyncLifetime
{
    private static readonly ClusterKey Key = new("default", "c1");

    private readonly CancellationTokenSource _stop = new();
    private readonly ManualTime _time = new();
    private readonly TaskCompletionSource<ClusterKey> _forgotten = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private EmbeddedApiServer _server = null!;
    private AdminClient _objects = null!;
    private RegistryLifecycle _registry = null!;
    private ReconcileQueue _queue = null!;
    private Task _watch = Task.CompletedTask;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await EmbeddedApiServer.StartAsync("management", CancellationToken);
        _objects = new AdminClient(_server);
        _registry = RegistryLifecycle.Connect(
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(_server.Kubeconfig), null, TimeProvider.System), ClientFixture.Quick,
            new RegistryOptions(), TimeProvider.System, (_, _, _) => Task.FromResult<ServedResult>(new ServedResult.AllServed()));
        var options = new ReconcilerOptions();
        _queue = new ReconcileQueue(options, _time, key => _forgotten.TrySetResult(key));
        _watch = new ClusterInformer(_registry.Fleet, NullLogger<ClusterInformer>.Instance).RunAsync(_queue, _stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _registry.Dispose();
        _objects.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Run_ClusterDeleted_IsForgotten()
    {
        await CreateClusterAsync();
        await SettleAsync();

        await _objects.DeleteIfThereAsync(AdminClient.Clusters("default"), "c1", CancellationToken);

        Assert.Equal(Key, await _forgotten.Task.WaitAsync(TimeSpan.FromSeconds(20), CancellationToken));
        Assert.Equal(0, _queue.Count);
    }

    /// <summary>Only what becomes true or false counts: messages change with every try.</summary>
    [Fact]
    public async Task Run_ConditionOfTheReleaseChanges_IsTakenAtOnce()
    {
        var cluster = await CreateClusterAsync();
        await SettleAsync();
        await CreateReleaseAsync((string)cluster["metadata"]!["uid"]!);
        await SettleAsync();

        await SetStatusAsync("HelmReleaseProxiesReady", "False", "The first try failed.");
        await SettleAsync();
        await SetStatusAsync("HelmReleaseProxiesReady", "False", "The second try failed.");
        await SetStatusAsync("HelmReleaseProxiesReady", "True", "");
        await SettleAsync();

        Assert.Equal(0, _queue.Depth);
    }

    private Task<JsonObject> CreateClusterAsync() =>
        _objects.CreateAsync(AdminClient.Clusters("default"), TestEnvironment.NewCluster("c1"), CancellationToken);

    /// <summary>The Cluster is due, and settled until something happens to it.</summary>
    private async Task SettleAsync()
    {
        var request = await _queue.TakeAsync(CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), CancellationToken);
        Assert.Equal(Key, request.Cluster);
        _queue.Done(request, ReconcileOutcome.Settled, DateTimeOffset.MaxValue);
        _time.Advance(TimeSpan.FromSeconds(2));
    }

    private Task<JsonObject> CreateReleaseAsync(string uid) => _objects.CreateAsync(AdminClient.ChartProxies("default"), new JsonObject
    {
        ["apiVersion"] = "addons.cluster.x-k8s.io/v1alpha1",
        ["kind"] = "HelmChartProxy",
        ["metadata"] = new JsonObject
        {
            ["name"] = "c1-registry",
            ["labels"] = new JsonObject { ["app.kubernetes.io/managed-by"] = "capi-registry-hook" },
            ["ownerReferences"] = new JsonArray(new JsonObject {
                ["apiVersion"] = "cluster.x-k8s.io/v1beta2", ["kind"] = "Cluster", ["name"] = "c1", ["uid"] = uid }),
        },
        ["spec"] = new JsonObject { ["clusterSelector"] = new JsonObject(), ["repoURL"] = "oci://registry", ["chartName"] = "registry" },
    }, CancellationToken);

    private Task<JsonObject> SetStatusAsync(string type, string status, string message) => _objects.MergePatchAsync(
        AdminClient.ChartProxies("default"), "c1-registry/status", new JsonObject { ["status"] = new JsonObject {
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = type, ["status"] = status, ["message"] = message,
                ["lastTransitionTime"] = "2026-01-01T00:00:00Z" }) } }, CancellationToken);
}
