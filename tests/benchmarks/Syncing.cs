using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Benchmarks;

/// <summary>The syncer beside the service: what a fleet in sync costs, and whether hooks notice that registries are filled.</summary>
internal static class Syncing
{
    private const string Version = "1.13.4";
    private const int Clusters = 1000;
    private const int Filling = 10;
    private const int Rounds = 6;
    private const int Calls = 100;

    /// <summary>KiB per second for each registry: the ten together fill a line of 100 Mbit/s.</summary>
    private const string Bandwidth = "1250";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(5);
    private static readonly string[] Hooks = ["BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade"];

    public static async Task PrintAsync(CancellationToken cancellationToken)
    {
        await Processors.PinAsync(cancellationToken);
        await using var fleet = await SyncFleet.StartAsync(Clusters, Filling, cancellationToken);
        Console.WriteLine(await Processors.JoinServiceAsync(cancellationToken));
        await using (var first = await fleet.SyncAsync(cancellationToken, "--sync-interval", "1h", "--sync-workers", "20"))
            await UntilCheckedAsync(first, Clusters, cancellationToken);
        await PrintStartAsync(fleet, cancellationToken);
        await using var sync = await fleet.SyncAsync(
            cancellationToken, "--sync-interval", "30s", "--sync-workers", "20", "--sync-cluster-bandwidth", Bandwidth);
        await UntilCheckedAsync(sync, Clusters, cancellationToken);
        await PrintIntervalsAsync(sync, cancellationToken);
        await PrintPairsAsync(fleet, sync, cancellationToken);
    }

    /// <summary>A process that takes over asks every registry once.</summary>
    private static async Task PrintStartAsync(SyncFleet fleet, CancellationToken cancellationToken)
    {
        await using var sync = await fleet.SyncAsync(cancellationToken, "--sync-interval", "1h", "--sync-workers", "20");
        var started = TimeProvider.System.GetTimestamp();
        await UntilCheckedAsync(sync, Clusters, cancellationToken);
        Figures.Print($"start of the syncer until {Clusters} registries in sync are asked", "s",
            [TimeProvider.System.GetElapsedTime(started).TotalSeconds]);
        Figures.Print($"start of the syncer, {Clusters} registries, CPU", "s", [sync.ProcessorSeconds()]);
        Figures.Print($"start of the syncer, {Clusters} registries, most resident memory", "MiB", [sync.MostMebibytes()], "<= 150");
    }

    private static async Task PrintIntervalsAsync(SyncProcess sync, CancellationToken cancellationToken)
    {
        const int Intervals = 3;
        var (checks, cpu) = (await sync.MetricAsync("checks_total", cancellationToken), sync.ProcessorSeconds());
        await Task.Delay(Interval * Intervals, TimeProvider.System, cancellationToken);
        checks = await sync.MetricAsync("checks_total", cancellationToken) - checks;
        Figures.Print("requests for each cluster in sync and interval", "requests", [checks / Clusters / Intervals], "<= 1");
        Figures.Print("CPU for each cluster in sync and interval", "ms",
            [(sync.ProcessorSeconds() - cpu) * 1000 / Clusters / Intervals]);
        Figures.Print($"{Clusters} clusters in sync, most resident memory", "MiB", [sync.MostMebibytes()], "<= 150");
    }

    /// <summary>
    /// Without and with ten registries being filled, and the other way round in the next pair, while checks go on in both.
    /// </summary>
    private static async Task PrintPairsAsync(SyncFleet fleet, SyncProcess sync, CancellationToken cancellationToken)
    {
        await using var service = await HookService.StartAsync(
            fleet.Environment.Management.Kubeconfig, [], cancellationToken, Processors.OfService);
        using var capi = service.CreateClusterApi();
        var cluster = await fleet.Environment.CreateClusterAsync("bench", cancellationToken);
        await fleet.Environment.GiveKubeconfigAsync(cluster, cancellationToken);
        await CallAsync(capi, cluster, cancellationToken);
        var (quiet, busy, received) = (new List<double>(), new List<double>(), 0L);
        for (var round = 0; round < Rounds; round++)
        {
            if (round % 2 == 0)
                quiet.Add(await CallAsync(capi, cluster, cancellationToken));
            var before = await fleet.Filled.ReceivedAsync(cancellationToken);
            busy.Add(await WhileFillingAsync(fleet, sync, round, () => CallAsync(capi, cluster, cancellationToken), cancellationToken));
            received += await fleet.Filled.ReceivedAsync(cancellationToken) - before;
            if (round % 2 == 1)
                quiet.Add(await CallAsync(capi, cluster, cancellationToken));
        }

        Figures.Print($"p99 of {Calls * Hooks.Length} hooks, nothing is filled", "ms", quiet);
        Figures.Print($"p99 of {Calls * Hooks.Length} hooks, {Filling} registries are filled", "ms", busy);
        Figures.Print("ratio of the two", "times", [.. busy.Zip(quiet, (with, without) => with / without)], "about 1");
        Figures.Print("sent to registries meanwhile", "MiB", [received / 1048576.0]);
        Figures.Print("the syncer, most resident memory with fills", "MiB", [sync.MostMebibytes()]);
    }

    private static async Task<double> WhileFillingAsync(
        SyncFleet fleet, SyncProcess sync, int round, Func<Task<double>> measure, CancellationToken cancellationToken)
    {
        var before = await fleet.Filled.ReceivedAsync(cancellationToken);
        await fleet.SetFillingAsync(isOn: true, round, cancellationToken);
        await UntilAsync(sync, "registries are filled", async () => await fleet.Filled.ReceivedAsync(cancellationToken) > before
            && await sync.MetricAsync("running", cancellationToken) >= Filling, cancellationToken);
        var figure = await measure();
        var running = await sync.MetricAsync("running", cancellationToken);
        await fleet.SetFillingAsync(isOn: false, round, cancellationToken);
        await UntilAsync(sync, "nothing is filled", async () =>
        {
            before = await fleet.Filled.ReceivedAsync(cancellationToken);
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, cancellationToken);
            return await fleet.Filled.ReceivedAsync(cancellationToken) == before;
        }, cancellationToken);
        return running >= Filling ? figure
            : throw new InvalidOperationException($"Only {running} registries were still filled at the end of a round.");
    }

    /// <summary>The 99th percentile of calls in turn, in milliseconds.</summary>
    private static async Task<double> CallAsync(ClusterApi capi, TestCluster cluster, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        for (var call = 0; call < Calls; call++)
        {
            foreach (var hook in Hooks)
                times.Add((await capi.CallAsync(Version, hook, cluster, cancellationToken)).Took.TotalMilliseconds);
        }

        return times.Order().ElementAt((int)Math.Ceiling(times.Count * 0.99) - 1);
    }

    private static Task UntilCheckedAsync(SyncProcess sync, int count, CancellationToken cancellationToken) =>
        UntilAsync(sync, "all are asked", async () => await sync.MetricAsync("checks_total", cancellationToken) >= count
            && await sync.MetricAsync("running", cancellationToken) == 0, cancellationToken);

    private static Task UntilAsync(SyncProcess sync, string what, Func<Task<bool>> condition, CancellationToken cancellationToken) =>
        Polling.UntilAsync(what, condition, () => sync.Log[^Math.Min(4000, sync.Log.Length)..], cancellationToken, Bound);
}
