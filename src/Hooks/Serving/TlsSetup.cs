using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// What a TLS handshake of the listener is made of: the certificate of the moment, and the authority that a caller's certificate
/// must come from. The web server's own mode AllowCertificate asks for a certificate, refuses one that the chain policy does not
/// verify and lets through who has none; no code of ours decides there.
/// </summary>
internal sealed class TlsSetup(ListenerCertificate serving, ClientAuthority clients)
{
    /// <summary>Cluster API gives a whole call 10 s.</summary>
    private static readonly TimeSpan LongestHandshake = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Forward secrecy and authenticated encryption only. The runtime's own list for TLS 1.2 also has suites in CBC mode, and what it
    /// is depends on the machine's OpenSSL settings.
    /// </summary>
    private static readonly CipherSuitesPolicy Suites = CreateSuites();

    /// <summary>Adds TLS to a listener.</summary>
    public void Use(Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions listen)
    {
        if (clients.IsRequired)
            listen.UseHttps(WithClientCertificates());
        else
            listen.UseHttps(WithoutClientCertificates());
    }

    /// <summary>
    /// A list of suites keeps the runtime from preparing OpenSSL once for all handshakes, which nearly doubles what each costs. So only
    /// those get one that need it: TLS 1.3 has no suites that had to be left out.
    /// </summary>
    private TlsHandshakeCallbackOptions WithoutClientCertificates() => new()
    {
        HandshakeTimeout = LongestHandshake,
        OnConnection = handshake => ValueTask.FromResult(
            handshake.ClientHelloInfo.SslProtocols.HasFlag(SslProtocols.Tls13)
                ? For(SslProtocols.Tls13, null) : For(SslProtocols.Tls12, Suites)),
    };

    private SslServerAuthenticationOptions For(SslProtocols protocols, CipherSuitesPolicy? suites) => new()
    {
        ServerCertificateContext = serving.Context,
        EnabledSslProtocols = protocols,
        CipherSuitesPolicy = suites,
    };

    private HttpsConnectionAdapterOptions WithClientCertificates() => new()
    {
        HandshakeTimeout = LongestHandshake,
        SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ClientCertificateMode = ClientCertificateMode.AllowCertificate,
        // The web server wants a source of certificates before it lets the handshake choose one.
        ServerCertificateSelector = static (_, _) => null,
        OnAuthenticate = Prepare,
    };

    private void Prepare(ConnectionContext connection, SslServerAuthenticationOptions handshake)
    {
        var trust = clients.Current;
        handshake.ServerCertificateSelectionCallback = null;
        handshake.ServerCertificateContext = serving.Context;
        handshake.CipherSuitesPolicy = Suites;
        trust.ApplyTo(handshake);
        // A resumed session would bring a certificate along that was verified by a former authority.
        handshake.AllowTlsResume = false;
        connection.Features.Set(new ClientConnection(trust));
    }

    // Linux has OpenSSL behind it, and this program ships for Linux alone.
#pragma warning disable CA1416
    private static CipherSuitesPolicy CreateSuites() => new(
    [
        TlsCipherSuite.TLS_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]);
#pragma warning restore CA1416
}
