using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Certificates;

/// <summary>Whether a TLS client that trusts only a bundle accepts a server certificate.</summary>
internal static class ClientVerdict
{
    /// <summary>Replaces the wildcard of a name: clients connect to names without one.</summary>
    private const string AnyLabel = "any";

    /// <summary>More paths than a fleet has; beyond it, all are forgotten and judged again.</summary>
    private const int MostAccepted = 256;

    private static readonly ConcurrentDictionary<string, bool> Accepted = new(StringComparer.Ordinal);

    /// <summary>
    /// Building a chain takes longer than signing. Without name constraints the verdict is the same for all names, so each path is judged
    /// once in the lifetime of the process.
    /// </summary>
    /// <param name="leaf">The server certificate.</param>
    /// <param name="served">The certificates that the server sends with it.</param>
    /// <param name="path">The path of its issuer.</param>
    /// <param name="trusted">What the client trusts.</param>
    /// <param name="time">The clock.</param>
    public static bool Accepts(
        Certificate leaf, IReadOnlyList<Certificate> served, TrustPath path, TrustBundle trusted, TimeProvider time)
    {
        var key = string.Concat(path.Certificates.Concat(served).Select(certificate => certificate.Thumbprint));
        if (!path.ConstrainsNames && Accepted.ContainsKey(key)) return true;
        if (!Accepts(leaf, served, trusted, time)) return false;
        if (Accepted.Count >= MostAccepted) Accepted.Clear();
        Accepted.TryAdd(key, true);
        return true;
    }

    /// <summary>
    /// Whether the platform's chain engine (OpenSSL, which also judges name constraints) builds a path for a TLS server, and each name
    /// in the certificate matches.
    /// </summary>
    private static bool Accepts(Certificate leaf, IEnumerable<Certificate> served, TrustBundle trusted, TimeProvider time)
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

    /// <summary>A DNS name that reads as a number ("0") is left out: clients treat it as an address.</summary>
    private static IEnumerable<string> Hosts(ServerNames names) =>
        names.DnsNames.Where(name => !IPAddress.TryParse(name, out _)).Select(name => name.StartsWith('*') ? AnyLabel + name[1..] : name)
            .Concat(names.Addresses.Select(address => address.ToString()));
}
