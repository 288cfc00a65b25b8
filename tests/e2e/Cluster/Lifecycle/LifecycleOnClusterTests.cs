using System.Text.Json.Nodes;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>
/// A user sets one variable, and the workload cluster has a registry that its node trusts and pulls through, also while its
/// certificate is renewed. <see cref="BrokenClusterTests"/> shows that the steps can fail.
/// </summary>
[Collection(OnOneNode.Name)]
public sealed class LifecycleOnClusterTests(SharedCluster shared, ITestOutputHelper output)
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OneVariable_GivesTheClusterARegistry_ForItsWholeLife()
    {
        var clock = new PhaseClock(output);
        await using var lifecycle = await ClusterLifecycle.StartAsync(shared, Values(), CancellationToken);
        await lifecycle.DiscoverAsync(CancellationToken);
        clock.Done("management cluster, workload cluster and service");

        await lifecycle.CreateClusterAsync(CancellationToken);
        await lifecycle.FurnishNodeAsync(CancellationToken);
        await lifecycle.InitializeControlPlaneAsync(CancellationToken);
        clock.Done("hooks and node files");

        await lifecycle.InstallChartAsync(CancellationToken);
        await lifecycle.AssertServedAsync(CancellationToken);
        clock.Done("the chart is installed, 2 replicas show the certificate");

        var registry = lifecycle.Workload;
        var trust = await lifecycle.TrustAsync(CancellationToken);
        await registry.PushAsync(trust, CancellationToken);
        await registry.WaitForCopyAsync(trust, CancellationToken);
        await registry.PullAsync(trust, CancellationToken);
        await registry.RunPodAsync(CancellationToken);
        await registry.AssertMissingImageFailsAsync(CancellationToken);
        clock.Done("push, copy, pull, a pod from the registry, and one that has no image");

        var pulls = PullLoop.Start(registry.Cluster.Node, WorkloadRegistry.Image);
        await using (pulls)
        {
            await lifecycle.UpgradeAsync("v1.34.0", CancellationToken);
            await pulls.WaitForMoreAsync(5 - pulls.Pulled, CancellationToken);
        }

        await lifecycle.AssertServedAsync(CancellationToken);
        pulls.AssertNoneFailed(atLeast: 5);
        clock.Done($"upgrade with a new certificate, {pulls.Pulled} pulls meanwhile and none failed");

        await lifecycle.StopServiceAsync(CancellationToken);
        var alone = PullLoop.Start(registry.Cluster.Node, WorkloadRegistry.Image);
        await using (alone)
            await lifecycle.ReplaceCertificateByHandAsync(CancellationToken);
        await lifecycle.AssertServedAsync(CancellationToken);
        alone.AssertNoneFailed(atLeast: 5);
        await registry.RunPodAsync(CancellationToken);
        clock.Done($"without the service: pods, a certificate by hand, {alone.Pulled} pulls meanwhile and none failed");

        await lifecycle.AssertGoesWithTheClusterAsync(CancellationToken);
        lifecycle.AssertKeptSecret();
        clock.Done("everything goes with the Cluster");
    }

    /// <summary>As a cluster has it, with intervals that suit a test.</summary>
    private static JsonObject Values() => new()
    {
        ["sync"] = new JsonObject { ["interval"] = "1s" },
        ["storage"] = new JsonObject { ["size"] = "100Mi" },
        ["probes"] = new JsonObject { ["readiness"] = new JsonObject { ["periodSeconds"] = 1 } },
    };
}
