using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Registries;

/// <summary>Connections to a registry. The name for TLS is always the one in the address.</summary>
public static class RegistryTransport
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(20);

    /// <summary>A handler that follows no redirects and verifies the server. The caller disposes it after the client.</summary>
    /// <param name="trustPem">The authorities that are trusted, and no others; null for those of the machine.</param>
    /// <param name="connect">Opens the stream below TLS, for example a tunnel; null for a direct connection, by the proxy of the
    /// environment.</param>
    /// <exception cref="ContentException">The PEM holds no certificate.</exception>
    public static SocketsHttpHandler Create(
        string? trustPem = null, Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>>? connect = null)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = ConnectTimeout,
            UseProxy = connect is null,
            MaxResponseHeadersLength = 64,
        };
        if (connect is not null)
            handler.ConnectCallback = connect;
        if (trustPem is not null)
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Policy(trustPem) };
        return handler;
    }

    /// <summary>
    /// Frees what a handler of <see cref="Create"/> trusts, which it does not do itself. Certificates take memory that the collector does
    /// not see, so it would not come for them in time where thousands of registries are asked.
    /// </summary>
    /// <param name="handler">The handler; it sends nothing any more.</param>
    public static void FreeTrust(HttpMessageHandler handler)
    {
        foreach (var authority in (handler as SocketsHttpHandler)?.SslOptions.CertificateChainPolicy?.CustomTrustStore ?? [])
            authority.Dispose();
    }

    /// <summary>Where the registry of a reference is called: <c>docker.io</c> at <c>registry-1.docker.io</c>, the others as
    /// named.</summary>
    public static Uri AddressOf(string registry) =>
        new($"https://{(registry == Reference.DockerHub ? "registry-1.docker.io" : registry)}/");

    private static X509ChainPolicy Policy(string trustPem)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPem(trustPem);
        }
        catch (CryptographicException exception)
        {
            throw new ContentException("The trusted authorities are not certificates in PEM.", exception);
        }

        return policy.CustomTrustStore.Count > 0 ? policy
            : throw new ContentException("The PEM of trusted authorities holds no certificate.");
    }
}
