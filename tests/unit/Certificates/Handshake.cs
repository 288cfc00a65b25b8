using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>One real TLS connection over loopback: a server with a key pair, a client with a bundle.</summary>
internal static class Handshake
{
    /// <summary>
    /// Ends when the client has read something over the connection; throws <see cref="AuthenticationException"/> when it refuses the
    /// server.
    /// </summary>
    public static async Task ShakeAsync(CertificateKeyPair pair, TrustBundle trust, string host, TimeProvider? time = null)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        var accepting = listener.AcceptTcpClientAsync(cancellationToken).AsTask();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint, cancellationToken);
        using var server = await accepting;
        var serving = ServeAsync(server, pair, cancellationToken);
        await using var stream = new SslStream(client.GetStream());
        var options = new SslClientAuthenticationOptions { TargetHost = host,
            CertificateChainPolicy = trust.CreateServerPolicy(time ?? Samples.Clock) };
        try
        {
            await stream.AuthenticateAsClientAsync(options, cancellationToken);
            var answer = new byte[2];
            await stream.ReadExactlyAsync(answer, cancellationToken);
            Assert.Equal("ok"u8, answer);
        }
        finally
        {
            client.Close();
            await serving;
        }
    }

    /// <summary>Whether the client accepts the server.</summary>
    public static async Task<bool> SucceedsAsync(CertificateKeyPair pair, TrustBundle trust, string host, TimeProvider? time = null)
    {
        try
        {
            await ShakeAsync(pair, trust, host, time);
            return true;
        }
        catch (AuthenticationException)
        {
            return false;
        }
    }

    /// <summary>What the pair says after its leaf goes along, as the registry sends it.</summary>
    private static async Task ServeAsync(TcpClient connection, CertificateKeyPair pair, CancellationToken cancellationToken)
    {
        using var certificate = X509Certificate2.CreateFromPem(pair.CertificatePem, Encoding.ASCII.GetString(pair.PrivateKeyPem.Span));
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(pair.CertificatePem);
        await using var stream = new SslStream(connection.GetStream());
        try
        {
            var context = SslStreamCertificateContext.Create(certificate, [.. chain.Skip(1)], offline: true);
            await stream.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions { ServerCertificateContext = context }, cancellationToken);
            await stream.WriteAsync("ok"u8.ToArray(), cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or AuthenticationException)
        {
            // The client has refused; the tests look at its side.
        }
        finally
        {
            foreach (var member in chain) member.Dispose();
        }
    }
}
