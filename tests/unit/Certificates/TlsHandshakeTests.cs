using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CapiRegistryHook.Certificates;
using Xunit;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>What is issued, served and verified over a real connection.</summary>
public sealed class TlsHandshakeTests
{
    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.Rsa2048)]
    public async Task Issue_ServedOverLoopback_IsAcceptedByNameAndAddress(KeyAlgorithm algorithm)
    {
        using var authority = Samples.NewAuthority(algorithm);
        using var pair = authority.Issue(Samples.Server(algorithm), Samples.Clock);
        await ShakeHands(pair, authority.TrustBundle, "registry.registry-system.svc.cluster.local");
        await ShakeHands(pair, authority.TrustBundle, "127.0.0.1");
        await Assert.ThrowsAsync<AuthenticationException>(() => ShakeHands(pair, authority.TrustBundle, "elsewhere"));
    }

    [Fact]
    public async Task Issue_ServedToAClientOfAnotherRoot_IsRefused()
    {
        using var authority = Samples.NewAuthority();
        using var stranger = Samples.NewAuthority();
        using var pair = authority.Issue(Samples.Server(), Samples.Clock);
        await Assert.ThrowsAsync<AuthenticationException>(() => ShakeHands(pair, stranger.TrustBundle, "registry"));
        await ShakeHands(pair, stranger.TrustBundle.Add(authority.TrustBundle), "registry");
    }

    private static async Task ShakeHands(CertificateKeyPair pair, TrustBundle trust, string host)
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
        var options = new SslClientAuthenticationOptions { TargetHost = host, CertificateChainPolicy = PathJudges.Policy(trust.ToPem(), Samples.Present) };
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

    private static async Task ServeAsync(TcpClient connection, CertificateKeyPair pair, CancellationToken cancellationToken)
    {
        using var certificate = X509Certificate2.CreateFromPem(pair.CertificatePem, Encoding.ASCII.GetString(pair.PrivateKeyPem.Span));
        await using var stream = new SslStream(connection.GetStream());
        try
        {
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, cancellationToken);
            await stream.WriteAsync("ok"u8.ToArray(), cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or AuthenticationException)
        {
            // The client has refused; its side of the story is what the tests look at.
        }
    }
}
