using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>The CAs that may issue client certificates; the system's CAs are not trusted.</summary>
public sealed class ClientTrust
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private readonly X509Certificate2Collection _roots;

    private ClientTrust(X509Certificate2Collection roots, string fingerprint) => (_roots, Fingerprint) = (roots, fingerprint);

    /// <summary>The same text has the same fingerprint.</summary>
    public string Fingerprint { get; }

    /// <summary>How many certificates there are; at least one.</summary>
    public int Count => _roots.Count;

    /// <summary>Reads PEM text.</summary>
    /// <returns>Null when it is damaged or holds no certificate.</returns>
    public static ClientTrust? TryParse(string pem)
    {
        try
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPem(pem);
            return roots.Count > 0 ? new ClientTrust(roots, Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(pem)))) : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Makes a TLS handshake verify client certificates against these CAs.</summary>
    public void ApplyTo(SslServerAuthenticationOptions handshake)
    {
        ArgumentNullException.ThrowIfNull(handshake);
        handshake.CertificateChainPolicy = CreatePolicy();
    }

    /// <summary>Whether these CAs accept a certificate that was verified against former CAs, without intermediates.</summary>
    public bool Trusts(ClientCertificate certificate, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        using var chain = new X509Chain { ChainPolicy = CreatePolicy() };
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        var isTrusted = chain.Build(certificate.Certificate);
        foreach (var element in chain.ChainElements)
            element.Certificate.Dispose();
        return isTrusted;
    }

    /// <summary>A new policy for each handshake, since the runtime adds the certificates that the client sends.</summary>
    private X509ChainPolicy CreatePolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            // Such CAs are private and have no revocation service; a certificate is revoked by replacing the CA.
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(_roots);
        policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        return policy;
    }
}
