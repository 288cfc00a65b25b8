using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Benchmarks;

/// <summary>From the start of the process to its first answer, and what it holds in memory two seconds later.</summary>
internal static class Starting
{
    private const int Starts = 10;

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(2);

    public static async Task PrintAsync(TestEnvironment environment, CancellationToken cancellationToken)
    {
        foreach (var (reconciler, what) in new[] { ("On", "as installed"), ("Off", "hooks alone") })
        {
            var starts = new List<double>();
            var idle = new List<double>();
            // The first run fills the page cache and does not count.
            await StartAsync(environment, reconciler, cancellationToken);
            for (var run = 0; run < Starts; run++)
            {
                var (took, bytes) = await StartAsync(environment, reconciler, cancellationToken);
                starts.Add(took.TotalMilliseconds);
                idle.Add(bytes / 1048576.0);
            }

            Figures.Print($"start to first discovery answer, {what}", "ms", starts, "<= 150");
            Figures.Print($"idle resident memory after discovery, {what}", "MiB", idle, "<= 45");
        }
    }

    private static async Task<(TimeSpan Took, long Bytes)> StartAsync(
        TestEnvironment environment, string reconciler, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        await using var service = await HookService.StartAsync(
            environment.Management.Kubeconfig, ["--reconciler", reconciler], cancellationToken, Processors.OfService);
        using var capi = service.CreateClusterApi();
        await capi.DiscoverAsync("1.13.4", cancellationToken);
        var took = TimeProvider.System.GetElapsedTime(started);
        await Task.Delay(Idle, TimeProvider.System, cancellationToken);
        var bytes = service.ResidentBytes();
        service.Terminate();
        await service.WaitForExitAsync(cancellationToken);
        return (took, bytes);
    }
}
