using System.Net;
using System.Net.Sockets;

namespace CapiRegistryHook.Harness;

/// <summary>Another process listens on the port that was picked.</summary>
internal sealed class PortTakenException(string message) : Exception(message);

/// <summary>Waits until etcd or an API server of this machine answers.</summary>
internal static class Readiness
{
    /// <summary>Waits for the /health of an etcd that listens on a Unix socket.</summary>
    public static async Task OfEtcdAsync(ChildProcess etcd, string socket, CancellationToken cancellationToken)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, ConnectCallback = (_, token) => ConnectAsync(socket, token) };
        using var http = new HttpClient(handler) { BaseAddress = new Uri("http://etcd"), Timeout = TimeSpan.FromSeconds(5) };
        await Polling.UntilAsync("etcd", () => IsUpAsync(etcd, http, "/health", cancellationToken), etcd.LogTail, cancellationToken);
    }

    /// <summary>Waits for /readyz; throws <see cref="PortTakenException"/> when the server ended because of its port.</summary>
    public static Task OfApiServerAsync(ChildProcess server, HttpClient http, CancellationToken cancellationToken) =>
        Polling.UntilAsync(
            "kube-apiserver", () => IsUpAsync(server, http, "/readyz", cancellationToken), server.LogTail, cancellationToken);

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
