using System.Text.Json.Nodes;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Story;

/// <summary>
/// The root is rotated while nodes pull: one that has the former root alone, from before the rotation until the former root is retired,
/// and one that was made during it. Nobody calls a hook: the reconciler does all of it.
/// </summary>
[Collection(OnOneNode.Name)]
public sealed class RotationStoryTests(SharedCluster shared, ITestOutputHelper output)
{
    private const string OldImage = "docker.io/library/old:1";
    private const string NewImage = "docker.io/library/new:1";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rotation_WhileNodesPull_FailsNoPull_AndNamesTheNodeThatKeepsTheFormerRoot()
    {
        var clock = new PhaseClock(output);
        await using var story = await Story.BeginAsync(shared, Values(), Cancelled, "--reconciler", "On");
        await story.CreateClusterAsync(Cancelled);
        await story.InitializeControlPlaneAsync(Cancelled);
        await story.InstallChartAsync(Cancelled);
        var former = await story.TrustAsync(Cancelled);
        await story.Workload.PushAsync(former, Cancelled, "library/old:1", "library/new:1");
        await story.Workload.WaitForCopyAsync(former, Cancelled, "library/new:1");
        await story.CreateMachineAsync("made-before", Cancelled);
        clock.Done("a registry, and a node from before the rotation");

        await using var provider = story.KeepInstalling();
        await using var oldHosts = await StoryHosts.WriteAsync(story.Workload.Cluster.Node, "old", former, Cancelled);
        await using var newHosts = await StoryHosts.WriteAsync(story.Workload.Cluster.Node, "new", former, Cancelled);
        var oldPulls = PullLoop.Start(story.Workload.Cluster.Node, OldImage, oldHosts.Folder);
        await using (oldPulls)
        {
            await story.AskForRotationAsync(Cancelled);
            var both = await story.WaitForTrustAsync(roots: 2, Cancelled);
            await newHosts.TrustAsync(both, Cancelled);
            clock.Done("the next root is in the bundle");

            var newPulls = PullLoop.Start(story.Workload.Cluster.Node, NewImage, newHosts.Folder);
            await using (newPulls)
            {
                await story.WaitForServedAsync(Cancelled);
                await story.WaitForPromotionAsync(Cancelled);
                await story.AssertServedAsync(Cancelled);
                clock.Done("the next root's certificate is served, and the former key is gone");

                await story.WaitForReportAsync("made-before", Cancelled);
                Assert.Equal(both, await story.TrustAsync(Cancelled));
                clock.Done("the node that has the former root alone is named");

                await story.DeleteMachineAsync("made-before", Cancelled);
                var after = await story.WaitForTrustAsync(roots: 1, Cancelled);
                Assert.DoesNotContain(former, after, StringComparison.Ordinal);
                await newHosts.TrustAsync(after, Cancelled);
                clock.Done("the former root is retired");
                await newPulls.WaitForMoreAsync(5, Cancelled);
            }

            newPulls.AssertNoneFailed(atLeast: 10);
            clock.Done($"{newPulls.Pulled} pulls with the new trust, none failed");
        }

        oldPulls.AssertNoneFailed(atLeast: 20);
        story.AssertKeptSecret();
        clock.Done($"{oldPulls.Pulled} pulls with the former trust, none failed");
    }

    /// <summary>Pods that roll soon, and still let every pull end.</summary>
    private static JsonObject Values() => new()
    {
        ["sync"] = new JsonObject { ["interval"] = "1s" },
        ["storage"] = new JsonObject { ["size"] = "100Mi" },
        ["probes"] = new JsonObject { ["readiness"] = new JsonObject { ["periodSeconds"] = 1 } },
    };
}
