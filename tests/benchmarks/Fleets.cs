using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Benchmarks;

/// <summary>10,000 healthy Clusters on a real kube-apiserver: what listing them and one look at each costs the service.</summary>
internal static class Fleets
{
    private const int Clusters = 10_000;
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(15);

    public static async Task PrintAsync(CancellationToken cancellationToken)
    {
        var binaries = await KubernetesBinaries.EnsureAsync(Console.Error, cancellationToken);
        await using var environment = await TestEnvironment.StartAsync(async name => name == "management"
            ? await RealApiServer.StartAsync(name, binaries, cancellationToken)
            : await EmbeddedApiServer.StartAsync(name, cancellationToken), cancellationToken);
        await Fleet.CreateAsync(environment, Clusters, cancellationToken);
        var workload = (EmbeddedApiServer)environment.Workload;
        workload.ClearCalls();

        await using var service = await HookService.StartAsync(
            environment.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s", "--reconcile-rate", "1000"],
            cancellationToken);
        var started = TimeProvider.System.GetTimestamp();
        var most = await WatchUntilReadyAsync(service, cancellationToken);
        var took = TimeProvider.System.GetElapsedTime(started);
        Figures.Print($"full pass over {Clusters} healthy Clusters, start and list included", "s", [took.TotalSeconds]);
        Figures.Print(
            $"full pass over {Clusters} healthy Clusters, CPU, start and list included", "s", [service.ProcessorSeconds()], "<= 60");
        Figures.Print($"resident memory with {Clusters} Clusters, most during the pass", "MiB", [most / 1048576.0], "<= 150");
        Figures.Print($"resident memory with {Clusters} Clusters, after the pass", "MiB", [service.ResidentBytes() / 1048576.0], "<= 150");
        Figures.Print("calls of workload clusters in a full pass", "calls", [workload.Calls.Count], "0");
    }

    private static async Task<long> WatchUntilReadyAsync(HookService service, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var most = 0L;
        await Polling.UntilAsync("all Clusters are ready", async () =>
        {
            most = Math.Max(most, service.ResidentBytes());
            var page = await http.GetStringAsync(new Uri(service.MetricsAddress, "/metrics"), cancellationToken);
            return page.Contains($"capi_registry_hook_clusters{{phase=\"ready\"}} {Clusters}\n", StringComparison.Ordinal);
        }, () => service.Log[^4000..], cancellationToken, Bound);
        return Math.Max(most, service.ResidentBytes());
    }
}
