using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Kubernetes.Connection;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>Makes the HTTP handler of a connection: who the server has to be, who the client is, and how the way there goes.</summary>
internal static class ConnectionHandler
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    public static SocketsHttpHandler Create(ClusterConnection connection) => new()
    {
        SslOptions = CreateSslOptions(connection),
        ConnectTimeout = TimeSpan.FromSeconds(3),
        // Long enough that handshakes do not matter, short enough that a server behind a changed name is found again.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        // Calls are limited where they are sent; a watch or a port-forward holds a connection for as long as it lives.
        MaxConnectionsPerServer = int.MaxValue,
        ConnectCallback = connection.Addresses is { } addresses ? addresses.ConnectAsync : null,
        // A redirect would carry the token to wherever it points.
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = connection.Proxy is not null,
        Proxy = connection.Proxy is { } proxy ? CreateProxy(proxy) : null,
        ActivityHeadersPropagator = null,
    };

    /// <summary>
    /// The Host header, or null for the address's own. SocketsHttpHandler overwrites <see
    /// cref="SslClientAuthenticationOptions.TargetHost"/>
    /// with the host of this header, so that a tls-server-name goes here; API servers do not look at it.
    /// </summary>
    public static string? HostHeader(ClusterConnection connection)
    {
        if (connection.TlsServerName is not { } name)
            return null;
        var host = IPAddress.TryParse(name, out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6
            ? $"[{name}]" : name;
        return connection.Server.IsDefaultPort ? host : $"{host}:{connection.Server.Port}";
    }

    private static SslClientAuthenticationOptions CreateSslOptions(ClusterConnection connection)
    {
        X509ChainPolicy policy = new()
        {
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        if (connection.CertificateAuthorities is { } roots)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(roots);
        }

        return new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = policy,
            ClientCertificateContext = connection.ClientCertificate is { } certificate
                ? SslStreamCertificateContext.Create(certificate, connection.ClientCertificateChain, offline: true)
                : null,
        };
    }

    private static WebProxy CreateProxy(Uri address)
    {
        WebProxy proxy = new(address);
        if (address.UserInfo.Split(':', 2) is [{ Length: > 0 } user, .. var rest])
            proxy.Credentials = new NetworkCredential(Uri.UnescapeDataString(user), Uri.UnescapeDataString(rest.FirstOrDefault() ?? ""));
        return proxy;
    }
}
