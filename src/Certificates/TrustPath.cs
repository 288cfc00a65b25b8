using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Certificates;

/// <summary>The path from an authority's certificate to a root in its trust bundle, both included.</summary>
internal sealed record TrustPath(IReadOnlyList<Certificate> Certificates)
{
    public Certificate Authority => Certificates[0];

    /// <summary>What a server sends after its own certificate: everything but the root, which clients have.</summary>
    public IReadOnlyList<Certificate> Served => [.. Certificates.SkipLast(1)];

    /// <summary>Whether a certificate on the path restricts the names that can be issued for.</summary>
    public bool ConstrainsNames => Certificates.Any(certificate => certificate.Extensions.ConstrainsNames);

    public DateTimeOffset NotBefore => Certificates.Max(certificate => certificate.NotBefore);

    public DateTimeOffset NotAfter => Certificates.Min(certificate => certificate.NotAfter);

    /// <summary>
    /// Finds the path with the platform's chain engine. Validity times are ignored, since an expired authority must still load to be
    /// reported and replaced; the engine gets a fixed time, so the path is the same at any time.
    /// </summary>
    /// <exception cref="CertificateException"><see cref="CertificateFault.NotAnchored"/>, <see cref="CertificateFault.NotAnAuthority"/> or
    /// <see cref="CertificateFault.UnsupportedExtension"/>.</exception>
    public static TrustPath Find(Certificate authority, IEnumerable<Certificate> intermediates, TrustBundle anchors)
    {
        if (!authority.Extensions.MaySign) throw new CertificateException(CertificateFault.NotAnAuthority);
        if (authority.IsSelfSigned) return Checked([authority]);
        Certificate[] above = [.. intermediates];
        var path = Build(authority, above, anchors.Certificates.Where(anchor => anchor.IsSelfSigned))
            ?? throw new CertificateException(above.Concat(anchors.Certificates).Append(authority).Any(one => one.Extensions.HasUnprocessed)
                ? CertificateFault.UnsupportedExtension : CertificateFault.NotAnchored);
        return AllowsServerCertificates(path) ? Checked(path) : throw new CertificateException(CertificateFault.NotAnAuthority);
    }

    private static TrustPath Checked(IReadOnlyList<Certificate> path) => path.Any(certificate => certificate.Extensions.HasUnprocessed)
        ? throw new CertificateException(CertificateFault.UnsupportedExtension) : new TrustPath(path);

    private static List<Certificate>? Build(Certificate authority, IEnumerable<Certificate> intermediates, IEnumerable<Certificate> anchors)
    {
        var loaded = new List<X509Certificate2>();
        using var chain = new X509Chain();
        try
        {
            var policy = chain.ChainPolicy;
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.RevocationMode = X509RevocationMode.NoCheck;
            policy.DisableCertificateDownloads = true;
            policy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
            policy.VerificationTime = authority.NotBefore.UtcDateTime;
            policy.CustomTrustStore.AddRange(Load(anchors, loaded));
            policy.ExtraStore.AddRange(Load(intermediates, loaded));
            using var target = X509CertificateLoader.LoadCertificate(authority.Der.Span);
            return chain.Build(target) ? [.. chain.ChainElements.Select(element => Certificate.Read(element.Certificate.RawData))] : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
        finally
        {
            foreach (var element in chain.ChainElements) element.Certificate.Dispose();
            loaded.ForEach(certificate => certificate.Dispose());
        }
    }

    /// <summary>
    /// To the engine the authority was the leaf, but it will be an intermediate. So path lengths are counted here (RFC 5280 section 6.1.4:
    /// self-issued certificates don't count), and no extended key usage on the path may exclude servers.
    /// </summary>
    private static bool AllowsServerCertificates(List<Certificate> path)
    {
        var below = 0;
        foreach (var certificate in path)
        {
            if (!certificate.Extensions.MaySign || certificate.Extensions.PathLength < below) return false;
            if (!certificate.SubjectName.AsSpan().SequenceEqual(certificate.IssuerName)) below++;
        }

        return true;
    }

    private static X509Certificate2[] Load(IEnumerable<Certificate> certificates, List<X509Certificate2> loaded)
    {
        X509Certificate2[] batch = [.. certificates.Select(certificate => X509CertificateLoader.LoadCertificate(certificate.Der.Span))];
        loaded.AddRange(batch);
        return batch;
    }
}
