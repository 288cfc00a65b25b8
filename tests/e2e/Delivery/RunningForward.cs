using System.Net;
using System.Text.RegularExpressions;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery;

/// <summary>The command <c>forward</c> of the published program while it runs.</summary>
internal sealed partial class RunningForward : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private RunningForward(ChildProcess process, int port, string authority) => (_process, Port, Authority) = (process, port, authority);

    public int Port { get; }

    /// <summary>The CA file that it wrote.</summary>
    public string Authority { get; }

    public static async Task<RunningForward> StartAsync(EmbeddedSite site, string cluster, CancellationToken cancellationToken)
    {
        var log = site.Folder["forward.log"];
        var process = await ChildProcess.StartServerAsync(
            HookService.ProgramPath(), ["forward", cluster, "--port", "0", .. site.Access], log);
        await Polling.UntilAsync(
            "the forward", () => Task.FromResult(File.Exists(log) && Words().IsMatch(File.ReadAllText(log))), process.LogTail,
            cancellationToken);
        var words = Words().Match(await File.ReadAllTextAsync(log, cancellationToken));
        return new RunningForward(process, int.Parse(words.Groups[1].Value), words.Groups[2].Value);
    }

    /// <summary>What the registry lists, over a connection of its own that trusts the file alone.</summary>
    public async Task<string> ListAsync(CancellationToken cancellationToken)
    {
        using var handler = RegistryTransport.Create(await File.ReadAllTextAsync(Authority, cancellationToken));
        handler.UseProxy = false;
        using var client = new HttpClient(handler);
        using var answer = await client.GetAsync(new Uri($"https://127.0.0.1:{Port}/v2/_catalog"), cancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync(cancellationToken);
    }

    /// <summary>Asks it to end, and returns its exit code.</summary>
    public async Task<int> EndAsync(CancellationToken cancellationToken)
    {
        _process.Terminate();
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    [GeneratedRegex(@"https://127\.0\.0\.1:(\d+) .*\nCA file: (.*)\n[\s\S]*_catalog\n")]
    private static partial Regex Words();
}
