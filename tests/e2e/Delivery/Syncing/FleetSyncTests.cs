using System.Globalization;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>A large fleet in sync. All its clusters lead to one registry, so that requests are counted in one place.</summary>
public sealed class FleetSyncTests(ITestOutputHelper output)
{
    /// <summary>About 105 MiB are measured, half of which are pages of the program's file.</summary>
    private const long MostBytes = 150L << 20;

    private static int Clusters => int.Parse(Environment.GetEnvironmentVariable("SYNC_CLUSTERS") ?? "1000", CultureInfo.InvariantCulture);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Fleet_InSync_CostsOneRequestForEachClusterAndLittleMemory()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled);
        var first = await site.AddAsync("c0", 1, Cancelled);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancelled };
        await Parallel.ForEachAsync(Enumerable.Range(1, Clusters - 1), parallel, async (number, token) =>
        {
            await site.AddClusterAsync($"c{number}", first.RootPem, token);
            await site.WriteKubeconfigAsync($"c{number}", first.Api.Kubeconfig, token);
        });
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled);
        await SyncSite.CreateAsync(site, SyncSite.Content("base", source, "docker.io/test/app:1"), Cancelled);

        await using var sync = await RunningSync.StartAsync(site, Cancelled, "--sync-interval", "1h", "--sync-workers", "16");
        var content = await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled);
        Assert.Equal(Clusters, (int)content["status"]!["clusters"]!["complete"]!);
        await sync.EndAsync(Cancelled);

        // Another process takes over and finds all of it in sync.
        var requests = first.Replicas[0].Requests;
        var version = (string)content["metadata"]!["resourceVersion"]!;
        await using var next = await RunningSync.StartWithAsync(
            await VariablesAsync(), site, Cancelled, "--sync-interval", "1h", "--sync-workers", "16");
        var most = 0L;
        await Polling.UntilAsync("every Cluster was asked", async () =>
        {
            most = Math.Max(most, next.ResidentBytes());
            // Clusters that were settled before the source had answered were not asked.
            return await next.MetricAsync("capi_registry_hook_sync_checks_total", Cancelled) >= Clusters
                && await next.MetricAsync("capi_registry_hook_sync_running", Cancelled) == 0;
        }, () => next.Log, Cancelled);
        output.WriteLine($"{Clusters} Clusters: {first.Replicas[0].Requests - requests} requests, {most >> 20} MiB resident, "
            + $"{next.ProcessorSeconds():F1} s of CPU.");

        Assert.InRange(first.Replicas[0].Requests - requests, Clusters, Clusters + 1);
        Assert.InRange(most, 1, MostBytes);
        var after = await site.Admin.GetAsync(SyncSite.Contents("default"), "base", Cancelled);
        Assert.Equal(version, (string)after["metadata"]!["resourceVersion"]!);
    }

    /// <summary>What the chart sets for the syncer.</summary>
    private static async Task<IEnumerable<string>> VariablesAsync()
    {
        var rendered = await HookChart.RenderAsync(Cancelled, "--set", "sync.enabled=true");
        var container = rendered.One("Deployment", $"{HookChart.Release}-sync")["spec"]!["template"]!["spec"]!["containers"]![0]!;
        return container["env"]!.AsArray().Select(variable => $"{variable!["name"]}={variable["value"]}");
    }
}
