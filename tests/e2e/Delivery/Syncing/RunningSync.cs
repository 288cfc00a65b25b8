using System.Globalization;
using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>The command <c>sync</c> of the published program while it runs.</summary>
internal sealed partial class RunningSync : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly string _log;

    private RunningSync(ChildProcess process, string log) => (_process, _log) = (process, log);

    public string Log => File.Exists(_log) ? File.ReadAllText(_log) : "";

    public int ProcessId => _process.Id;

    /// <summary>Starts it with short intervals.</summary>
    public static Task<RunningSync> StartAsync(EmbeddedSite site, CancellationToken cancellationToken, params string[] options) =>
        StartWithAsync([], site, cancellationToken, options);

    /// <summary>The same with variables, each as <c>NAME=value</c>.</summary>
    public static async Task<RunningSync> StartWithAsync(
        IEnumerable<string> variables, EmbeddedSite site, CancellationToken cancellationToken, params string[] options)
    {
        var log = site.Folder[$"sync-{Guid.NewGuid():N}.log"];
        string[] all = ["sync", .. site.Access, .. options];
        (string Option, string Value)[] defaults =
        [
            ("--metrics-listen", "127.0.0.1:0"), ("--sync-source-allow-cidrs", "127.0.0.0/8"), ("--sync-interval", "2s"),
            ("--hook-namespace", "default"), ("--lease-duration", "3s"),
        ];
        foreach (var (option, value) in defaults.Where(entry => !all.Contains(entry.Option)))
            all = [.. all, option, value];
        var process = await ChildProcess.StartServerAsync("/usr/bin/env", [.. variables, HookService.ProgramPath(), .. all], log);
        var sync = new RunningSync(process, log);
        await Polling.UntilAsync("the syncer", () => Task.FromResult(
            process.HasExited
                ? throw new InvalidOperationException(process.LogTail()) : sync.Log.Contains("syncs now", StringComparison.Ordinal)),
            process.LogTail, cancellationToken);
        return sync;
    }

    /// <summary>Its page of metrics.</summary>
    public async Task<string> MetricsAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        return await http.GetStringAsync(new Uri(new Uri(Listening().Match(Log).Groups[1].Value), "/metrics"), cancellationToken);
    }

    /// <summary>The value of a metric, by its name and labels as they are on the page.</summary>
    public async Task<double> MetricAsync(string name, CancellationToken cancellationToken)
    {
        var line = (await MetricsAsync(cancellationToken)).Split('\n')
            .Single(line => line.StartsWith(name + " ", StringComparison.Ordinal));
        return double.Parse(line[(name.Length + 1)..], CultureInfo.InvariantCulture);
    }

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentBytes() => long.Parse(
        File.ReadLines($"/proc/{ProcessId}/status").Single(text => text.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;

    /// <summary>Processor time since its start in seconds, as the kernel counts it.</summary>
    public double ProcessorSeconds()
    {
        var fields = File.ReadAllText($"/proc/{ProcessId}/stat").Split(") ")[^1].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0;
    }

    /// <summary>Asks it to end, and returns its exit code.</summary>
    public async Task<int> EndAsync(CancellationToken cancellationToken)
    {
        _process.Terminate();
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Ends it at once (SIGKILL).</summary>
    public ValueTask DisposeAsync() => _process.DisposeAsync();

    [GeneratedRegex("Now listening on: (http://[^\"\\\\ ]+)")]
    private static partial Regex Listening();
}
