using System.Text.Json.Nodes;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Story;

/// <summary>
/// A user sets one variable, and the workload cluster has a registry that its node trusts and pulls through, also while its
/// certificate is renewed. <see cref="BrokenStoryTests"/> shows that the steps can fail.
/// </summary>
[Collection(OnOneNode.Name)]
public sealed class StoryTests(SharedCluster shared, ITestOutputHelper output)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OneVariable_GivesTheClusterARegistry_ForItsWholeLife()
    {
        var clock = new PhaseClock(output);
        await using var story = await Story.BeginAsync(shared, Values(), Cancelled);
        await story.DiscoverAsync(Cancelled);
        clock.Done("management cluster, workload cluster and service");

        await story.CreateClusterAsync(Cancelled);
        await story.FurnishNodeAsync(Cancelled);
        await story.InitializeControlPlaneAsync(Cancelled);
        clock.Done("hooks and node files");

        await story.InstallChartAsync(Cancelled);
        await story.AssertServedAsync(Cancelled);
        clock.Done("the chart is installed, 2 replicas show the certificate");

        var registry = story.Workload;
        var trust = await story.TrustAsync(Cancelled);
        await registry.PushAsync(trust, Cancelled);
        await registry.WaitForCopyAsync(trust, Cancelled);
        await registry.PullAsync(trust, Cancelled);
        await registry.RunPodAsync(Cancelled);
        await registry.AssertMissingImageFailsAsync(Cancelled);
        clock.Done("push, copy, pull, a pod from the registry, and one that has no image");

        var pulls = PullLoop.Start(registry.Cluster.Node, StoryRegistry.Image);
        await using (pulls)
            await story.UpgradeAsync("v1.34.0", Cancelled);
        await story.AssertServedAsync(Cancelled);
        pulls.AssertNoneFailed(atLeast: 5);
        clock.Done($"upgrade with a new certificate, {pulls.Pulled} pulls meanwhile and none failed");

        await story.AssertGoesWithTheClusterAsync(Cancelled);
        story.AssertKeptSecret();
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
