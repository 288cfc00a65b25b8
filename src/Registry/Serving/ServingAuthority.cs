using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>
/// The authority of the service's own serving certificates as it lies in its Secret: the one that signs and, while it is being replaced,
/// the next one.
/// Both lie in one Secret, so that each step of a replacement is one write.
/// </summary>
internal sealed class ServingAuthority : IDisposable
{
    public const string NextCertificate = "next.crt";
    public const string NextPrivateKey = "next.key";

    /// <summary>The next authority signed by the present one: who trusts the present one accepts what the next one issues.</summary>
    public const string NextCrossCertificates = "next-cross-certificates.crt";
    public const string CrossCertificates = "cross-certificates.crt";

    private ServingAuthority(Secret live, CertificateAuthority signer, CertificateAuthority? next)
    {
        Live = live;
        Signer = signer;
        Next = next;
    }

    /// <summary>The Secret that this was read from.</summary>
    public Secret Live { get; }

    public CertificateAuthority Signer { get; }

    public CertificateAuthority? Next { get; }

    /// <summary>What clients have to trust.</summary>
    public TrustBundle Anchors => Next is null ? Signer.TrustBundle : Signer.TrustBundle.Add(Next.TrustBundle);

    /// <exception cref="CertificateException">The content of the Secret can't be used.</exception>
    public static ServingAuthority Read(Secret live)
    {
        var signer = CertificateAuthority.Load(
            live.Value(SecretKeys.Certificate).Span, live.Value(SecretKeys.PrivateKey).Span, live.Value(SecretKeys.Authority).Span,
            live.Value(CrossCertificates).Span);
        try
        {
            var next = live.Value(NextPrivateKey).IsEmpty
                ? null
                : CertificateAuthority.Load(
                    live.Value(NextCertificate).Span, live.Value(NextPrivateKey).Span, default, live.Value(NextCrossCertificates).Span);
            return new ServingAuthority(live, signer, next);
        }
        catch
        {
            signer.Dispose();
            throw;
        }
    }

    /// <summary>A new authority under the name of its Secret, as cert-manager names one: each takes over what the other has made.</summary>
    public static CertificateKeyPair Create(string commonName, KeyAlgorithm algorithm, TimeProvider time) =>
        CertificateAuthority.CreateRoot(new RootRequest(commonName, algorithm, ServingOptions.AuthorityLifetime), time);

    /// <summary>The cross-certificate from the present authority to another one; empty where the present one can't sign any more.</summary>
    public byte[] CrossCertificateTo(CertificateKeyPair next, TimeProvider time)
    {
        if (!Signer.MayCrossCertificate || Signer.IsExpired(time))
            return [];
        using var successor = CertificateAuthority.Load(Encoding.ASCII.GetBytes(next.CertificatePem), next.PrivateKeyPem.Span, default);
        return Encoding.ASCII.GetBytes(Signer.CrossCertificateTo(successor, time));
    }

    public void Dispose()
    {
        Signer.Dispose();
        Next?.Dispose();
    }
}
