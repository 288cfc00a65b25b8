using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Dashboard;

/// <summary>The command <c>dashboard</c> of the published program while it runs.</summary>
internal sealed partial class RunningDashboard : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private RunningDashboard(ChildProcess process, Uri address) => (_process, Address) = (process, address);

    /// <summary>The address with the token.</summary>
    public Uri Address { get; }

    public static async Task<RunningDashboard> StartAsync(DashboardSite site, CancellationToken cancellationToken)
    {
        var log = site.Folder[$"dashboard-{Guid.NewGuid():N}.log"];
        var process = await ChildProcess.StartServerAsync(HookService.ProgramPath(), ["dashboard", "--port", "0", .. site.Access], log);
        await Polling.UntilAsync(
            "the dashboard", () => Task.FromResult(File.Exists(log) && Words().IsMatch(File.ReadAllText(log))), process.LogTail,
            cancellationToken);
        return new RunningDashboard(process, new Uri(Words().Match(await File.ReadAllTextAsync(log, cancellationToken)).Value));
    }

    /// <summary>The address of a view.</summary>
    public Uri View(string hash) => new(Address, $"#{hash}");

    /// <summary>Asks it to end, and returns its exit code.</summary>
    public async Task<int> EndAsync(CancellationToken cancellationToken)
    {
        _process.Terminate();
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/[0-9a-f]+/(?=\n)")]
    private static partial Regex Words();
}
