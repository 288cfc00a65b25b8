using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Benchmarks;

/// <summary>200 callers at once on all hooks for a minute; API servers and callers share their processors.</summary>
internal static class Loading
{
    private const int Callers = 200;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(60);

    public static async Task PrintAsync(TestEnvironment environment, CancellationToken cancellationToken)
    {
        await using var service =
            await HookService.StartAsync(environment.Management.Kubeconfig, [], cancellationToken, Processors.OfService);
        var load = await LoadRun.PlayAsync(environment, service, Callers, WarmUp, Duration, cancellationToken);
        Figures.Print($"{Callers} callers on all hooks for {Duration.TotalSeconds} s", "ms", load.Milliseconds, "<= 10000 (p99)");
        Figures.Print($"{Callers} callers, calls", "calls/s", [load.Milliseconds.Count / load.Took.TotalSeconds]);
        Figures.Print($"{Callers} callers, errors", "calls", [load.Problems.Count], "0");
        Figures.Print($"{Callers} callers, resident memory before", "MiB", [load.BytesBefore / 1048576.0]);
        Figures.Print($"{Callers} callers, resident memory after", "MiB", [load.BytesAfter / 1048576.0],
            $"about {load.BytesBefore / 1048576.0:F0}");
    }
}
