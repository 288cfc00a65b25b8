using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Callers;

/// <summary>A connection to the service whose bytes the test writes itself, in parts and pauses that no HTTP client would use.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly TcpClient _socket;
    private readonly SslStream _tls;

    private RawConnection(TcpClient socket, SslStream tls)
    {
        _socket = socket;
        _tls = tls;
    }

    public TlsCipherSuite Suite => _tls.NegotiatedCipherSuite;

    /// <summary>Connects and shakes hands.</summary>
    public static async Task<RawConnection> OpenAsync(
        HookService service, CancellationToken cancellationToken, SslProtocols protocols = SslProtocols.None,
        CipherSuitesPolicy? suites = null)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPem(service.CertificateAuthorityPem);
        var socket = await ConnectAsync(service, cancellationToken);
        var tls = new SslStream(socket.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "127.0.0.1",
                    CertificateChainPolicy = trust,
                    EnabledSslProtocols = protocols,
                    CipherSuitesPolicy = suites,
                }, cancellationToken);
            return new RawConnection(socket, tls);
        }
        catch
        {
            await tls.DisposeAsync();
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects and says nothing.</summary>
    public static async Task<TcpClient> ConnectAsync(HookService service, CancellationToken cancellationToken)
    {
        var socket = new TcpClient();
        await socket.ConnectAsync(service.Address.Host, service.Address.Port, cancellationToken);
        return socket;
    }

    public async Task WriteAsync(string text, CancellationToken cancellationToken)
    {
        await _tls.WriteAsync(Encoding.ASCII.GetBytes(text), cancellationToken);
        await _tls.FlushAsync(cancellationToken);
    }

    /// <summary>Everything that comes until the service closes the connection.</summary>
    public async Task<string> ReadToEndAsync(CancellationToken cancellationToken)
    {
        using var received = new MemoryStream();
        try
        {
            await _tls.CopyToAsync(received, cancellationToken);
        }
        catch (IOException)
        {
            // Reset instead of closed: the service does not wait for the rest of what it refused.
        }

        return Encoding.ASCII.GetString(received.ToArray());
    }

    /// <summary>Reads once.</summary>
    public async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[16 * 1024];
        return Encoding.ASCII.GetString(buffer, 0, await _tls.ReadAsync(buffer, cancellationToken));
    }

    public void Dispose()
    {
        _tls.Dispose();
        _socket.Dispose();
    }
}
