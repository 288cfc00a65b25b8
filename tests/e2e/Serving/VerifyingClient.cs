using System.Collections.Concurrent;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Serving;

/// <summary>
/// Connects to replicas again and again with a bundle that may change meanwhile, and remembers when one could not be verified.
/// </summary>
internal sealed class VerifyingClient : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly IReadOnlyList<HookService> _replicas;
    private readonly Func<string> _trust;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _connecting;
    private int _handshakes;

    public VerifyingClient(IReadOnlyList<HookService> replicas, Func<string> trust)
    {
        _replicas = replicas;
        _trust = trust;
        _connecting = ConnectAsync();
    }

    public int Handshakes => Volatile.Read(ref _handshakes);

    public ConcurrentQueue<string> Failures { get; } = new();

    /// <summary>Whether a client with this bundle verifies the replica.</summary>
    public static async Task<bool> AcceptsAsync(HookService replica, string trustPem, CancellationToken cancellationToken)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPem(trustPem);
        using var socket = new TcpClient();
        await socket.ConnectAsync(replica.Address.Host, replica.Address.Port, cancellationToken);
        await using var stream = new SslStream(socket.GetStream());
        try
        {
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", CertificateChainPolicy = trust }, cancellationToken);
            return true;
        }
        catch (AuthenticationException)
        {
            return false;
        }
    }

    /// <summary>Waits until it has connected so often once more.</summary>
    public Task MoreAsync(int handshakes, CancellationToken cancellationToken)
    {
        var wanted = Handshakes + Failures.Count + handshakes;
        return Polling.UntilAsync("a client", () => Task.FromResult(Handshakes + Failures.Count >= wanted), () => "", cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _connecting;
        _end.Dispose();
    }

    private async Task ConnectAsync()
    {
        try
        {
            while (true)
            {
                foreach (var replica in _replicas)
                {
                    if (await AcceptsAsync(replica, _trust(), _end.Token))
                        Interlocked.Increment(ref _handshakes);
                    else
                        Failures.Enqueue($"handshake {Handshakes + Failures.Count + 1} with {replica.Address}");
                }

                await Task.Delay(Pause, TimeProvider.System, _end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Asked to end.
        }
    }
}
