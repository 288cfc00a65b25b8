using System.Globalization;
using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Benchmarks;

/// <summary>The published syncer as a process of its own, with what the kernel and its metrics say of it.</summary>
internal sealed partial class SyncProcess : IAsyncDisposable
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false });

    private readonly ChildProcess _process;
    private readonly string _log;

    private SyncProcess(ChildProcess process, string log) => (_process, _log) = (process, log);

    public string Log => File.Exists(_log) ? File.ReadAllText(_log) : "";

    public static async Task<SyncProcess> StartAsync(string kubeconfig, string log, string[] options, CancellationToken cancellationToken)
    {
        string[] pinned = Processors.OfLoad is { } processors ? ["taskset", "--cpu-list", processors] : [];
        // The variables are those of the chart.
        var process = await ChildProcess.StartServerAsync("/usr/bin/env", ["MALLOC_ARENA_MAX=2", "DOTNET_GCgen0size=200000",
            "DOTNET_gcConcurrent=1", .. pinned, HookService.ProgramPath(), "sync", "--kubeconfig", kubeconfig,
            "--workload-allow-cidrs", "127.0.0.0/8", "--sync-source-allow-cidrs", "127.0.0.0/8", "--metrics-listen", "127.0.0.1:0",
            "--hook-namespace", "default", "--lease-duration", "3s", .. options], log);
        var sync = new SyncProcess(process, log);
        await Polling.UntilAsync("the syncer", () => Task.FromResult(process.HasExited
            ? throw new InvalidOperationException(process.LogTail()) : sync.Log.Contains("syncs now", StringComparison.Ordinal)),
            process.LogTail, cancellationToken);
        return sync;
    }

    /// <summary>The value of a metric, without its prefix.</summary>
    public async Task<double> MetricAsync(string name, CancellationToken cancellationToken)
    {
        var page = await Http.GetStringAsync(new Uri(new Uri(Listening().Match(Log).Groups[1].Value), "/metrics"), cancellationToken);
        var start = $"capi_registry_hook_sync_{name} ";
        var line = page.Split('\n').Single(line => line.StartsWith(start, StringComparison.Ordinal));
        return double.Parse(line[start.Length..], CultureInfo.InvariantCulture);
    }

    /// <summary>The most MiB that were resident.</summary>
    public double MostMebibytes() => double.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").Single(text => text.StartsWith("VmHWM:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;

    /// <summary>Processor time since its start in seconds: 100 ticks per second on every Linux that .NET runs on.</summary>
    public double ProcessorSeconds()
    {
        var fields = File.ReadAllText($"/proc/{_process.Id}/stat").Split(") ")[^1].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / 100;
    }

    /// <summary>Asks it to end, so that the next one gets its Lease.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.Terminate();
        await _process.WaitForExitAsync(CancellationToken.None);
        await _process.DisposeAsync();
    }

    [GeneratedRegex("Now listening on: (http://[^\"\\\\ ]+)")]
    private static partial Regex Listening();
}
