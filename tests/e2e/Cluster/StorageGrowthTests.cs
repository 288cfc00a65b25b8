
namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>Volumes of a real cluster grow with a class that allows it, and are kept with one that does not.</summary>
[Collection(OnOneNode.Name)]
public sealed class StorageGrowthTests(SharedCluster shared)
{
    private const int Runs = 30;
    private const int Seed = 4711;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>
    /// In each run the volumes grow by 1 GiB, and the process is killed at one write or another. The end is always the same, no release
    /// ever fails, and the pods of the first day still run.
    /// </summary>
    [Fact]
    public async Task Reconcile_KilledBetweenAnyTwoSteps_EndsTheSameAndStopsNoPod()
    {
        await using var registry = await GrowingRegistry.StartAsync(await shared.GetAsync(), grows: true, CancellationToken);
        var random = new Random(Seed);
        var pods = await registry.PodsAsync(CancellationToken);
        var killed = 0;
        bool? Kill() => random.Next(3) == 0 && killed++ >= 0 ? random.Next(2) == 0 : null;

        for (var run = 1; run <= Runs; run++)
        {
            var size = $"{run + 1}Gi";
            await registry.RequestAsync(size, CancellationToken);
            for (var reconcile = 0; reconcile < 3; reconcile++)
            {
                await registry.ReconcileAsync(Kill, CancellationToken);
                if (random.Next(2) == 0)
                    await registry.FollowAsync(CancellationToken);
            }

            await registry.SettleAsync(CancellationToken);
            Assert.Equal($"{size} {size} {size} {size}", await registry.SizesAsync(CancellationToken));
        }

        await registry.WaitForAdoptionAsync(CancellationToken);
        Assert.Equal(pods, await registry.PodsAsync(CancellationToken));
        Assert.InRange(killed, Runs, int.MaxValue);
    }

    [Fact]
    public async Task Reconcile_ClassThatCannotGrow_KeepsTheVolumesAndStaysReady()
    {
        await using var registry = await GrowingRegistry.StartAsync(await shared.GetAsync(), grows: false, CancellationToken);
        var pods = await registry.PodsAsync(CancellationToken);
        await registry.RequestAsync("2Gi", CancellationToken);

        await registry.SettleAsync(CancellationToken);

        Assert.Equal("1Gi 1Gi 1Gi 1Gi", await registry.SizesAsync(CancellationToken));
        Assert.Equal(pods, await registry.PodsAsync(CancellationToken));
        Assert.Contains(await registry.EventsAsync(CancellationToken), text =>
            text.StartsWith("StorageKept: ", StringComparison.Ordinal) && text.Contains("allowVolumeExpansion", StringComparison.Ordinal));
    }
}
