using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Harness;

/// <summary>A plain HTTP client with a cluster admin's token that trusts the server's own root and nothing else.</summary>
public static class AdminHttp
{
    /// <summary>Makes a client with the server's address as its base; the caller disposes it.</summary>
    public static HttpClient Create(IApiServer server)
    {
        var http = new HttpClient(CreateHandler(server)) { BaseAddress = server.Address, Timeout = TimeSpan.FromSeconds(60) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", server.Token);
        http.DefaultRequestHeaders.Accept.ParseAdd("application/json");
        return http;
    }

    /// <summary>The way to the server without a token, for what HttpClient does not do.</summary>
    internal static SocketsHttpHandler CreateHandler(IApiServer server) => new()
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Trust(server.CertificateAuthorityPem) },
    };

    private static X509ChainPolicy Trust(string rootPem)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPem(rootPem);
        return policy;
    }
}
