using System.Text.Json.Nodes;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>
/// The root is rotated while nodes pull: one that has the former root alone, from before the rotation until the former root is retired,
/// and one that was made during it. Nobody calls a hook: the reconciler does all of it.
/// </summary>
[Collection(OnOneNode.Name)]
public sealed class RotationOnClusterTests(SharedCluster shared, ITestOutputHelper output)
{
    private const string OldImage = "docker.io/library/old:1";
    private const string NewImage = "docker.io/library/new:1";

    /// <summary>From pods that are ready to a registry that is known to be: the reconciler looks every 5 s while a release rolls.</summary>
    private static readonly TimeSpan LongestToReady = TimeSpan.FromSeconds(60);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rotation_WhileNodesPull_FailsNoPull_AndNamesTheNodeThatKeepsTheFormerRoot()
    {
        var clock = new PhaseClock(output);
        await using var lifecycle = await ClusterLifecycle.StartAsync(shared, Values(), CancellationToken, "--reconciler", "On");
        await lifecycle.CreateClusterAsync(CancellationToken);
        await lifecycle.InitializeControlPlaneAsync(CancellationToken);
        await lifecycle.InstallChartAsync(CancellationToken);
        clock.Done("a registry whose pods are ready");
        await lifecycle.WaitForServedAsync(CancellationToken, LongestToReady);
        clock.Done("the registry is known to be ready");
        var former = await lifecycle.TrustAsync(CancellationToken);
        await lifecycle.Workload.PushAsync(former, CancellationToken, "library/old:1", "library/new:1");
        await lifecycle.Workload.WaitForCopyAsync(former, CancellationToken, "library/new:1");
        await lifecycle.CreateMachineAsync("made-before", CancellationToken);
        clock.Done("a node from before the rotation");

        await using var provider = lifecycle.KeepInstalling();
        await using var oldHosts = await NodeHosts.WriteAsync(lifecycle.Workload.Cluster.Node, "old", former, CancellationToken);
        await using var newHosts = await NodeHosts.WriteAsync(lifecycle.Workload.Cluster.Node, "new", former, CancellationToken);
        var oldPulls = PullLoop.Start(lifecycle.Workload.Cluster.Node, OldImage, oldHosts.Folder);
        await using (oldPulls)
        {
            await lifecycle.AskForRotationAsync(CancellationToken);
            var both = await lifecycle.WaitForTrustAsync(roots: 2, CancellationToken);
            await newHosts.TrustAsync(both, CancellationToken);
            clock.Done("the next root is in the bundle");

            var newPulls = PullLoop.Start(lifecycle.Workload.Cluster.Node, NewImage, newHosts.Folder);
            await using (newPulls)
            {
                await lifecycle.WaitForServedAsync(CancellationToken);
                await lifecycle.WaitForPromotionAsync(CancellationToken);
                await lifecycle.AssertServedAsync(CancellationToken);
                clock.Done("the next root's certificate is served, and the former key is gone");

                await lifecycle.WaitForReportAsync("made-before", CancellationToken);
                Assert.Equal(both, await lifecycle.TrustAsync(CancellationToken));
                clock.Done("the node that has the former root alone is named");

                await lifecycle.DeleteMachineAsync("made-before", CancellationToken);
                var after = await lifecycle.WaitForTrustAsync(roots: 1, CancellationToken);
                Assert.DoesNotContain(former, after, StringComparison.Ordinal);
                await newHosts.TrustAsync(after, CancellationToken);
                clock.Done("the former root is retired");
                await newPulls.WaitForMoreAsync(10, CancellationToken);
            }

            newPulls.AssertNoneFailed(atLeast: 10);
            clock.Done($"{newPulls.Pulled} pulls with the new trust, none failed");
            await oldPulls.WaitForMoreAsync(20 - oldPulls.Pulled, CancellationToken);
        }

        oldPulls.AssertNoneFailed(atLeast: 20);
        lifecycle.AssertKeptSecret();
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
