using System.Net;
using System.Text;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>
/// A server certificate with its key under a root of its own, for a server in a pod. Made by the code that makes the product's.
/// </summary>
/// <param name="RootPem">What clients trust: ca.crt.</param>
/// <param name="CertificatePem">tls.crt.</param>
/// <param name="KeyPem">tls.key.</param>
public sealed record ServerIdentity(string RootPem, string CertificatePem, string KeyPem)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    /// <summary>Makes a new root, and a certificate for these names and addresses.</summary>
    public static ServerIdentity Create(IEnumerable<string> names, IEnumerable<string> addresses)
    {
        using var root = CertificateAuthority.CreateRoot(new RootRequest("tests", KeyAlgorithm.EcdsaP256, Lifetime), TimeProvider.System);
        var rootPem = Encoding.ASCII.GetBytes(root.CertificatePem);
        using var authority = CertificateAuthority.Load(rootPem, root.PrivateKeyPem.Span, rootPem);
        var served = ServerNames.Create(names, addresses.Select(IPAddress.Parse));
        using var server = authority.Issue(
            new ServerCertificateRequest("server", served, KeyAlgorithm.EcdsaP256, Lifetime), TimeProvider.System);
        return new ServerIdentity(root.CertificatePem, server.CertificatePem, Encoding.ASCII.GetString(server.PrivateKeyPem.Span));
    }
}
