using System.Diagnostics;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Handlers;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Benchmarks;

/// <summary>
/// GeneratePatches over TLS on connections that stay open, for a small cluster and for a large one, and the handler by itself.
/// </summary>
internal static class Patching
{
    private const string Path = "/hooks.runtime.cluster.x-k8s.io/v1alpha1/generatepatches/generatepatches-v1?timeout=10s";
    private const int WarmUp = 2000;
    private const int CallsOfOne = 5000;
    private const int Callers = 16;

    public static async Task PrintAsync(TestEnvironment environment, CancellationToken cancellationToken)
    {
        await using var service = await HookService.StartAsync(
            environment.Management.Kubeconfig, ["--reconciler", "On"], cancellationToken, Processors.OfService);
        var small = PatchRequests.CreateSmall();
        var large = PatchRequests.CreateLarge();
        await PrintAsync(service, "5 templates / 8 KB", small, calls: 10_000, ">= 22000");
        await PrintAsync(service, "20 templates / 100 KB", large, calls: 2_000, ">= 5000");
        Figures.Print("resident memory after these calls", "MiB", [service.ResidentBytes() / 1048576.0], "<= 65");
        PrintHandlerAlone("5 templates / 8 KB", small);
        PrintHandlerAlone("20 templates / 100 KB", large);
    }

    private static async Task PrintAsync(HookService service, string what, byte[] body, int calls, string rateTarget)
    {
        var name = $"GeneratePatches over TLS, {what}";
        await RunAsync(service, body, Callers, WarmUp);
        var one = await RunAsync(service, body, callers: 1, CallsOfOne);
        Figures.Print($"{name}, 1 caller", "ms", one.Milliseconds, "<= 1 (p99)");
        var many = await RunAsync(service, body, Callers, calls);
        Figures.Print($"{name}, {Callers} callers", "ms", many.Milliseconds);
        Figures.Print($"{name}, {Callers} callers", "requests/s", [many.Milliseconds.Count / many.Took.TotalSeconds], rateTarget);
        Console.WriteLine($"    meanwhile the service used {many.OfService:F2} processors, the load {many.OfLoad:F2} of {Processors.CountOfLoad}");
    }

    private static async Task<Run> RunAsync(HookService service, byte[] body, int callers, int calls)
    {
        var connections = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ =>
            HttpsCaller.ConnectAsync(service.Address, service.CertificateAuthorityPem, Path, body)));
        using var self = Process.GetCurrentProcess();
        var (ofService, ofLoad) = (service.ProcessorSeconds(), self.TotalProcessorTime);
        var started = TimeProvider.System.GetTimestamp();
        var times = await Task.WhenAll(connections.Select(connection => Task.Run(() => CallAsync(connection, calls))));
        var took = TimeProvider.System.GetElapsedTime(started);
        self.Refresh();
        var run = new Run(
            [.. times.SelectMany(list => list)], took, (service.ProcessorSeconds() - ofService) / took.TotalSeconds,
            (self.TotalProcessorTime - ofLoad) / took);
        foreach (var connection in connections)
            await connection.DisposeAsync();
        return run;
    }

    private static async Task<List<double>> CallAsync(HttpsCaller caller, int calls)
    {
        var times = new List<double>(calls);
        for (var call = 0; call < calls; call++)
        {
            var started = TimeProvider.System.GetTimestamp();
            await caller.PostAsync();
            times.Add(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
        }

        return times;
    }

    /// <summary>What of the above is the answer itself, compiled for this processor instead of in advance.</summary>
    private static void PrintHandlerAlone(string what, byte[] body)
    {
        var handler = new GeneratePatchesHandler(new RegistryOptions(), NodeFormat.V1);
        var times = new List<double>();
        var allocated = 0L;
        for (var call = 0; call < WarmUp + CallsOfOne; call++)
        {
            using var response = new PooledBytes();
            var (before, started) = (GC.GetAllocatedBytesForCurrentThread(), TimeProvider.System.GetTimestamp());
            handler.Answer(body, response);
            if (call < WarmUp)
                continue;
            times.Add(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
            allocated += GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Figures.Print($"GeneratePatches, the handler alone, {what}", "ms", times);
        Figures.Print($"GeneratePatches, the handler alone, {what}, allocated per request", "KiB", [allocated / 1024.0 / CallsOfOne]);
    }

    /// <summary>What came of a run.</summary>
    /// <param name="Milliseconds">How long each call took.</param>
    /// <param name="Took">All of them together.</param>
    /// <param name="OfService">How many processors the service used on average.</param>
    /// <param name="OfLoad">The same of this process.</param>
    private sealed record Run(List<double> Milliseconds, TimeSpan Took, double OfService, double OfLoad);
}
