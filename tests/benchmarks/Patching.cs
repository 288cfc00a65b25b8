using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Handlers;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Benchmarks;

/// <summary>GeneratePatches for 20 templates in 100 KB: over TLS with callers on the same processors, and the handler by itself.</summary>
internal static class Patching
{
    private const string Path = "/hooks.runtime.cluster.x-k8s.io/v1alpha1/generatepatches/generatepatches-v1?timeout=10s";
    private const int WarmUp = 2000;
    private const int CallsOfOne = 5000;
    private const int CallsOfMany = 1000;
    private const int Callers = 16;

    public static async Task PrintAsync(HookService service)
    {
        var body = PatchRequests.Create();
        await RunAsync(service, body, callers: Callers, WarmUp / Callers);
        Report("1 caller", "<= 1.5 (p99)", await RunAsync(service, body, callers: 1, CallsOfOne), "");
        Report($"{Callers} callers", "", await RunAsync(service, body, Callers, CallsOfMany), ">= 2000");
        PrintHandlerAlone(body);
    }

    private static void Report(string who, string latencyTarget, (List<double> Milliseconds, TimeSpan Took) run, string rateTarget)
    {
        Figures.Print($"GeneratePatches, 20 templates / 100 KB over TLS, {who}", "ms", run.Milliseconds, latencyTarget);
        Figures.Print($"GeneratePatches, 20 templates / 100 KB over TLS, {who}", "requests/s",
            [run.Milliseconds.Count / run.Took.TotalSeconds], rateTarget);
    }

    private static async Task<(List<double> Milliseconds, TimeSpan Took)> RunAsync(HookService service, byte[] body, int callers, int calls)
    {
        var connections = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ =>
            HttpsCaller.ConnectAsync(service.Address, service.CertificateAuthorityPem, Path, body)));
        var started = TimeProvider.System.GetTimestamp();
        var times = await Task.WhenAll(connections.Select(connection => Task.Run(() => CallAsync(connection, calls))));
        var took = TimeProvider.System.GetElapsedTime(started);
        foreach (var connection in connections)
            await connection.DisposeAsync();
        return ([.. times.SelectMany(list => list)], took);
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
    private static void PrintHandlerAlone(byte[] body)
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

        Figures.Print("GeneratePatches, the handler alone", "ms", times);
        Figures.Print("GeneratePatches, the handler alone, allocated per request", "KiB", [allocated / 1024.0 / CallsOfOne]);
    }
}
