namespace CapiRegistryHook.Harness;

/// <summary>CNCF Distribution as Debian packages it, on a port of 127.0.0.1, with the configuration that a test gives it.</summary>
public sealed class LocalRegistry : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly string _log;

    private LocalRegistry(ChildProcess process, string log)
    {
        _process = process;
        _log = log;
    }

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="configuration">The file that it reads.</param>
    /// <param name="log">Where its output goes, access log included; an existing file is continued.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<LocalRegistry> StartAsync(string configuration, string log, CancellationToken cancellationToken)
    {
        var before = File.Exists(log) ? File.ReadLines(log).Count() : 0;
        var process = await ChildProcess.StartServerAsync(await TestTools.PathOfAsync("docker-registry"), ["serve", configuration], log);
        await Polling.UntilAsync("docker-registry", () => Task.FromResult(Listens(process, log, before)), process.LogTail,
            cancellationToken);
        return new LocalRegistry(process, log);
    }

    /// <summary>Requests in the access log so far.</summary>
    public int Requests => File.ReadLines(_log).Count(line => line.Contains("\" \"", StringComparison.Ordinal) && line
        .Contains(" HTTP/1.", StringComparison.Ordinal));

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static bool Listens(ChildProcess process, string log, int before)
    {
        if (process.HasExited)
            throw new InvalidOperationException($"docker-registry ended with code {process.ExitCode}.\n{process.LogTail()}");
        return File.Exists(log) && File.ReadLines(log).Skip(before).Any(line => line.Contains("listening on", StringComparison.Ordinal));
    }
}
