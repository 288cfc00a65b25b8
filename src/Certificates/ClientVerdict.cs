using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Certificates;

/// <summary>What a TLS client that trusts a bundle and nothing else says of a server certificate.</summary>
internal static class ClientVerdict
{
    /// <summary>Stands for the wildcard of a name: a client never asks for one.</summary>
    private const string AnyLabel = "any";

    /// <summary>
    /// Whether the platform's chain engine (OpenSSL, which also judges name constraints) builds a path for a TLS server, and each name
    /// in the certificate matches.
    /// </summary>
    /// <param name="leaf">The server certificate.</param>
    /// <param name="served">What the server sends along.</param>
    /// <param name="trusted">What the client trusts.</param>
    /// <param name="time">The clock.</param>
    public static bool Accepts(Certificate leaf, IEnumerable<Certificate> served, TrustBundle trusted, TimeProvider time)
    {
        using var chain = new X509Chain { ChainPolicy = trusted.CreateServerPolicy(time) };
        var owned = new List<X509Certificate2>(chain.ChainPolicy.CustomTrustStore);
        try
        {
            X509Certificate2[] extra = [.. served.Select(certificate => X509CertificateLoader.LoadCertificate(certificate.Der.Span))];
            owned.AddRange(extra);
            chain.ChainPolicy.ExtraStore.AddRange(extra);
            using var target = X509CertificateLoader.LoadCertificate(leaf.Der.Span);
            return chain.Build(target) && Hosts(leaf.Extensions.Names).All(host => target.MatchesHostname(host, allowCommonName: false));
        }
        finally
        {
            foreach (var element in chain.ChainElements) element.Certificate.Dispose();
            owned.ForEach(certificate => certificate.Dispose());
        }
    }

    /// <summary>A DNS name that reads as a number ("0") is left out: clients would take it for an address.</summary>
    private static IEnumerable<string> Hosts(ServerNames names) =>
        names.DnsNames.Where(name => !IPAddress.TryParse(name, out _)).Select(name => name.StartsWith('*') ? AnyLabel + name[1..] : name)
            .Concat(names.Addresses.Select(address => address.ToString()));
}
