using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Unit.Tests.Certificates;
using CapiRegistryHook.Unit.Tests.Registry.Reconciliation;
using Microsoft.Extensions.Logging;

namespace CapiRegistryHook.Unit.Tests.Hooks.Reconciling;

/// <summary>Queue and workers over the product, with a clock that moves when it is told to.</summary>
public sealed class ReconcileWorkersTests : IAsyncDisposable
{
    private readonly ReconcilerFixture _fixture = new();
    private readonly ReconcilerMetrics _metrics = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly WaitingLog _log = new();
    private Task _work = Task.CompletedTask;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _fixture.Dispose();
    }

    /// <summary>
    /// As with real controllers: the HelmChartProxy's status changes again and again while the chart is installed, and the pods are ready
    /// minutes later. Each change was counted as a failure once, and the registry reported ready five minutes late.
    /// </summary>
    [Fact]
    public async Task Run_ReleaseChangesWhileItRolls_IsReadyFiveSecondsAfterItsPods()
    {
        await _fixture.AddClusterAsync();
        _fixture.Served = new ServedResult.Waiting("The pods roll.");
        var queue = Start();
        queue.EnqueueCluster(ReconcilerFixture.Key, 1);
        await WaitingAsync();
        for (var change = 0; change < 24; change++)
        {
            queue.EnqueueRelease(ReconcilerFixture.Key, change);
            // A clock that moves between the look at it and the timer would leave the timer behind.
            await _fixture.Time.TimerAsync(delay => delay == BackoffPolicy.First);
            await CheckedAfterAsync(BackoffPolicy.First);
            await WaitingAsync();
            await CheckedAfterAsync(BackoffPolicy.WaitingPause);
            await WaitingAsync();
        }

        Assert.Contains("capi_registry_hook_clusters{phase=\"waiting\"} 1\n", Page(), StringComparison.Ordinal);
        _fixture.Served = new ServedResult.AllServed();
        await CheckedAfterAsync(BackoffPolicy.WaitingPause);
        await SettledAsync();

        Assert.Contains("capi_registry_hook_clusters{phase=\"ready\"} 1\n", Page(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Unreachable_IsRetriedWithBackoff()
    {
        await _fixture.AddClusterAsync();
        _fixture.Workload.InjectFault(_ => CapiRegistryHook.Harness.Embedded.Fault.DropBefore());
        Start().EnqueueCluster(ReconcilerFixture.Key, 1);

        for (var pause = 1; pause <= 2; pause++)
        {
            await _fixture.Time.TimerAsync(delay => delay.TotalSeconds > pause * 0.7 && delay.TotalSeconds <= pause);
            _fixture.Time.Advance(TimeSpan.FromSeconds(pause));
        }

        Assert.Contains("capi_registry_hook_clusters{phase=\"unreachable\"} 1\n", Page(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_VolumesAreDue_AreReadOnceAndShown()
    {
        const string Used =
            "capi_registry_hook_registry_volume_used_bytes{cluster_namespace=\"team-a\",cluster=\"c1\",pod=\"registry-0\"} 600\n";
        await _fixture.AddPodAsync("registry-0", "n1");
        var asked = 0;
        _fixture.Workload.InjectFault(call =>
        {
            if (call.Resource != "nodes")
                return null;
            asked++;
            return CapiRegistryHook.Harness.Embedded.Fault.Raw(200, "application/json", """
                {"pods":[{"podRef":{"name":"registry-0","namespace":"registry-system"},
                 "volume":[{"name":"data","capacityBytes":1000,"availableBytes":400,"inodes":0,"inodesFree":0}]}]}
                """);
        });
        await _fixture.InstallAsync();
        Start().EnqueueCluster(ReconcilerFixture.Key, 1);
        await SettledAsync();
        Assert.DoesNotContain(Used, Page(), StringComparison.Ordinal);

        _fixture.Time.Advance(TimeSpan.FromHours(1));
        await SettledAsync();
        Assert.Contains(Used, Page(), StringComparison.Ordinal);
        Assert.Equal(1, asked);
    }

    /// <summary>
    /// With an external root that the oldest nodes do not trust yet, a certificate stays beyond the time at which it would be renewed, for
    /// months: nothing may be repeated without a pause meanwhile.
    /// </summary>
    [Fact]
    public async Task Run_RenewalIsDueAndMayNotBe_WaitsForTheResync()
    {
        var replica = _fixture.NewReplica(_fixture.Options with { RootSource = RootSource.External });
        await ReplaceRootAsync();
        await _fixture.AddClusterAsync();
        await _fixture.ReconcileAsync(replica);
        await _fixture.ReconcileAsync(replica);
        await _fixture.Objects.CreateAsync(AdminClient.Machines("team-a"), new JsonObject
        {
            ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
            ["kind"] = "Machine",
            ["metadata"] = new JsonObject { ["name"] = "old", ["labels"] = new JsonObject { ["cluster.x-k8s.io/cluster-name"] = "c1" } },
        }, CancellationToken);
        _fixture.Time.Advance(TimeSpan.FromDays(1));
        await ReplaceRootAsync();
        _fixture.Time.Advance(TimeSpan.FromDays(530));
        var result = await _fixture.ReconcileAsync(replica);
        Assert.Equal(ClusterPhase.Ready, result.Phase);
        Assert.True(result.Certificate!.RenewAt < _fixture.Time.GetUtcNow());

        Start(replica).EnqueueCluster(ReconcilerFixture.Key, 1);

        await SettledAsync();
        Assert.Contains("capi_registry_hook_clusters{phase=\"ready\"} 1\n", Page(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Cancelled_Ends()
    {
        Start();
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _work.WaitAsync(TimeSpan.FromSeconds(20), CancellationToken));
    }

    /// <summary>As cert-manager does it.</summary>
    private async Task ReplaceRootAsync()
    {
        var secrets = AdminClient.Secrets(ReconcilerFixture.HookNamespace);
        using var root = Samples.NewRoot(time: _fixture.Time);
        await _fixture.Objects.DeleteIfThereAsync(secrets, "registry-addon-root-ca", CancellationToken);
        await _fixture.Objects.CreateAsync(secrets, new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "registry-addon-root-ca" },
            ["type"] = "kubernetes.io/tls",
            ["data"] = new JsonObject
            {
                ["tls.crt"] = Convert.ToBase64String(Samples.Bytes(root.CertificatePem)),
                ["tls.key"] = Convert.ToBase64String(root.PrivateKeyPem.Span),
                ["ca.crt"] = Convert.ToBase64String(Samples.Bytes(root.CertificatePem)),
            },
        }, CancellationToken);
    }

    private ReconcileQueue Start(RegistryLifecycle? replica = null)
    {
        var options = new ReconcilerOptions { Workers = 2 };
        var queue = new ReconcileQueue(options, _fixture.Time, _metrics.Forget);
        _metrics.Lead(queue);
        var workers = new ReconcileWorkers(
            (replica ?? _fixture.Registry).Fleet, options, _metrics, _fixture.Time, _log);
        _work = workers.RunAsync(queue, _stop.Token);
        return queue;
    }

    /// <summary>
    /// The reconcile has ended, and the next one comes after the pause of those that wait. The log tells the end, because a limit of the
    /// reconcile is as long as that pause.
    /// </summary>
    private async Task WaitingAsync()
    {
        Assert.True(await _log.Ended.WaitAsync(TimeSpan.FromSeconds(20), CancellationToken));
        await _fixture.Time.TimerAsync(delay => delay == BackoffPolicy.WaitingPause);
    }

    /// <summary>The reconcile has ended, and the next one comes with the resync or the next look at volumes.</summary>
    private Task SettledAsync() => _fixture.Time.TimerAsync(delay => delay > TimeSpan.FromMinutes(20));

    private async Task CheckedAfterAsync(TimeSpan pause)
    {
        var check = _fixture.NextCheckAsync();
        _fixture.Time.Advance(pause);
        await check;
    }

    private string Page()
    {
        var text = new MetricsText();
        _metrics.WriteTo(text);
        return text.ToString();
    }

    /// <summary>Counts reconciles that ended and found a registry that waits.</summary>
    private sealed class WaitingLog : ILogger<ReconcileWorkers>
    {
        public SemaphoreSlim Ended { get; } = new(0);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).Contains("is Waiting: ", StringComparison.Ordinal))
                Ended.Release();
        }
    }
}
