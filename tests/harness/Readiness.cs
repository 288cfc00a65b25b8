using System.Net;

namespace CapiRegistryHook.Harness;

/// <summary>Another process listens on the port that was picked.</summary>
internal sealed class PortTakenException(string message) : Exception(message);

/// <summary>Waits, within a bound, until a child process or something that it serves is there.</summary>
internal static class Readiness
{
    // An API server is ready in about 5 s on two idle cores; a machine that builds something beside it needs several times that.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>False when etcd ended because its port was taken; any other end is an exception that shows its log.</summary>
    public static async Task<bool> OfEtcdAsync(ChildProcess etcd, Uri address, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            await UntilAsync("etcd", () => IsUpAsync(etcd, http, "/health", cancellationToken), etcd.LogTail, cancellationToken);
            return true;
        }
        catch (PortTakenException)
        {
            return false;
        }
    }

    /// <summary>Waits for /readyz; throws <see cref="PortTakenException"/> when the server ended because of its port.</summary>
    public static Task OfApiServerAsync(ChildProcess server, HttpClient http, CancellationToken cancellationToken) =>
        UntilAsync("kube-apiserver", () => IsUpAsync(server, http, "/readyz", cancellationToken), server.LogTail, cancellationToken);

    /// <summary>Asks again and again; the exception after the bound names the thing and adds the detail.</summary>
    public static async Task UntilAsync(string what, Func<Task<bool>> isReady, Func<string> detail, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await isReady())
        {
            if (TimeProvider.System.GetElapsedTime(started) > Bound)
                throw new TimeoutException($"{what} was not ready within {Bound.TotalSeconds} s.\n{detail()}");

            await Task.Delay(Pause, TimeProvider.System, cancellationToken);
        }
    }

    private static async Task<bool> IsUpAsync(ChildProcess process, HttpClient http, string path, CancellationToken cancellationToken)
    {
        if (process.HasExited)
        {
            throw process.LogContains("address already in use")
                ? new PortTakenException($"{http.BaseAddress} is taken.")
                : new InvalidOperationException($"The process behind {http.BaseAddress} ended with code {process.ExitCode}.\n{process.LogTail()}");
        }

        try
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false; // nobody listens yet, or somebody else who can't show a certificate of ours
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false; // too slow to answer yet
        }
    }
}
