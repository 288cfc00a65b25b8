using System.Net;
using System.Net.Sockets;

namespace CapiRegistryHook.Harness;

/// <summary>Another process listens on the port that was picked.</summary>
internal sealed class PortTakenException(string message) : Exception(message);

/// <summary>Waits, within a bound, until a child process or something that it serves is there.</summary>
public static class Readiness
{
    // An API server is ready in about 5 s on two idle cores; a machine that builds something beside it needs several times that.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits for the /health of an etcd that listens on a Unix socket.</summary>
    internal static async Task OfEtcdAsync(ChildProcess etcd, string socket, CancellationToken cancellationToken)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, ConnectCallback = (_, token) => ConnectAsync(socket, token) };
        using var http = new HttpClient(handler) { BaseAddress = new Uri("http://etcd"), Timeout = TimeSpan.FromSeconds(5) };
        await UntilAsync("etcd", () => IsUpAsync(etcd, http, "/health", cancellationToken), etcd.LogTail, cancellationToken);
    }

    /// <summary>Waits for /readyz; throws <see cref="PortTakenException"/> when the server ended because of its port.</summary>
    internal static Task OfApiServerAsync(ChildProcess server, HttpClient http, CancellationToken cancellationToken) =>
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

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<bool> IsUpAsync(ChildProcess process, HttpClient http, string path, CancellationToken cancellationToken)
    {
        if (process.HasExited)
        {
            throw process.LogContains("address already in use")
                ? new PortTakenException($"{http.BaseAddress} is taken.")
                : new InvalidOperationException(
                    $"The process behind {http.BaseAddress} ended with code {process.ExitCode}.\n{process.LogTail()}");
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
