using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>
/// The authority of the service's own serving certificates: the one that signs and, during a rotation, the next one. Both are stored in
/// one Secret, so each step of a rotation is one write.
/// </summary>
internal sealed record ServingAuthority(AuthoritySecret Current, CertificateAuthority? Next) : IDisposable
{
    public const string NextCertificate = "next.crt";
    public const string NextPrivateKey = "next.key";

    /// <summary>The next authority signed by the current one: clients that trust the current one accept what the next one issues.</summary>
    public const string NextCrossCertificates = "next-cross-certificates.crt";

    public CertificateAuthority Signer => Current.Authority;

    /// <summary>What clients have to trust.</summary>
    public TrustBundle Anchors => Next is null ? Signer.TrustBundle : Signer.TrustBundle.Add(Next.TrustBundle);

    /// <exception cref="CertificateException">The content of the Secret can't be used.</exception>
    public static ServingAuthority Read(Secret live)
    {
        var current = AuthoritySecret.Load(live);
        try
        {
            var next = live.Value(NextPrivateKey).IsEmpty
                ? null
                : CertificateAuthority.Load(
                    live.Value(NextCertificate).Span, live.Value(NextPrivateKey).Span, default, live.Value(NextCrossCertificates).Span);
            return new ServingAuthority(current, next);
        }
        catch
        {
            current.Dispose();
            throw;
        }
    }

    /// <summary>The cross-certificate from the current authority to another one; empty when the current one can't sign any more.</summary>
    public byte[] CrossCertificateTo(CertificateAuthority next, TimeProvider time) =>
        Signer.MayCrossCertificate && !Signer.IsExpired(time) ? Encoding.ASCII.GetBytes(Signer.CrossCertificateTo(next, time)) : [];

    public void Dispose()
    {
        Current.Dispose();
        Next?.Dispose();
    }
}
