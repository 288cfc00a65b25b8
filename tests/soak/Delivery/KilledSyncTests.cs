using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.EndToEnd.Tests.Delivery;
using CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Soak.Tests.Delivery;

/// <summary>
/// The published syncer is killed at random moments while content that moves is on its way. At each of them every tag has its blobs, and
/// the lock names only what is there; in the end the registry holds the last content.
/// </summary>
public sealed class KilledSyncTests(ITestOutputHelper output)
{
    private const int Rounds = 50;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sync_KilledFiftyTimes_NeverLeavesATagOrALockWithoutItsContent()
    {
        var seed = TestSeed.From("SYNC_SEED");
        output.WriteLine($"SYNC_SEED={seed}");
        var random = new Random(seed);
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        var last = await SyncSite.PutImageAsync(site, source, "test/app", "1", random.Next(), Cancelled, size: 300_000);
        await SyncSite.PutImageAsync(site, source, "test/tool", "1", random.Next(), Cancelled, size: 300_000);
        await SyncSite.CreateAsync(site, SyncSite.Content("base", source, "docker.io/test/app:1", "docker.io/test/tool:1"), Cancelled);
        var locked = 0;
        for (var round = 0; round < Rounds; round++)
        {
            if (round % 2 == 0)
                last = await SyncSite.PutImageAsync(site, source, "test/app", "1", random.Next(), Cancelled, size: 300_000);
            if (round % 10 == 9)
                await cluster.Replicas[0].WipeAsync(Cancelled);
            await using (await RunningSync.StartAsync(site, Cancelled, "--sync-interval", "1s", "--sync-cluster-bandwidth", "2000"))
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1500)), TimeProvider.System, Cancelled);
            locked += await SyncInvariants.CheckAsync(cluster.Replicas[0], "default.base", Cancelled) ? 1 : 0;
            // A holder that was killed does not give its Lease back.
            await site.Admin.DeleteIfThereAsync(
                "/apis/coordination.k8s.io/v1/namespaces/default/leases", "capi-registry-hook-sync", Cancelled);
        }

        output.WriteLine($"After {locked} of {Rounds} kills the registry had a lock.");
        await using var sync = await RunningSync.StartAsync(site, Cancelled);
        await Polling.UntilAsync("the registry holds the last content", async () =>
            (await cluster.Replicas[0].Client.ResolveAsync("test/app", "1", Cancelled))?.Digest.ToString() == last
                && await SyncInvariants.CheckAsync(cluster.Replicas[0], "default.base", Cancelled), () => sync.Log, Cancelled);
        Assert.InRange(locked, 1, Rounds - 1);
    }
}
