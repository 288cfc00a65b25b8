using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>One reading of the file with the authority of callers.</summary>
/// <param name="roots">The certificates that a caller's has to lead to; no others, and not the system's.</param>
/// <param name="fingerprint">Of the file's text.</param>
internal sealed class ClientTrust(X509Certificate2Collection roots, string fingerprint)
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    public string Fingerprint => fingerprint;

    public int Count => roots.Count;

    /// <summary>A policy of its own for each handshake: the runtime adds to it what the caller sends.</summary>
    public X509ChainPolicy CreatePolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            // There is nobody to ask: such authorities are private, and an entry is revoked by replacing the authority.
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(roots);
        policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        return policy;
    }

    /// <summary>Whether a certificate that an earlier authority vouched for is one of this authority's too.</summary>
    public bool Trusts(X509Certificate2 certificate, DateTimeOffset now)
    {
        using var chain = new X509Chain { ChainPolicy = CreatePolicy() };
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        var isTrusted = chain.Build(certificate);
        foreach (var element in chain.ChainElements)
            element.Certificate.Dispose();
        return isTrusted;
    }
}
