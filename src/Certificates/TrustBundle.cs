using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Certificates;

/// <summary>
/// A trust bundle: an immutable set of certificates. Equal sets give the same bytes, whatever their order and the surrounding text were, so
/// writing a bundle back changes nothing.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "A trust bundle is the field's word for this collection.")]
public sealed class TrustBundle : IEquatable<TrustBundle>, IReadOnlyCollection<TrustedCertificate>
{
    private readonly Certificate[] _certificates;

    private TrustBundle(IEnumerable<Certificate> certificates) => _certificates =
    [
        .. certificates
            .DistinctBy(certificate => certificate.Thumbprint, StringComparer.Ordinal)
            .OrderBy(certificate => certificate.NotBefore)
            .ThenBy(certificate => certificate.Thumbprint, StringComparer.Ordinal),
    ];

    /// <summary>The bundle without certificates.</summary>
    public static TrustBundle Empty { get; } = new([]);

    /// <summary>How many certificates there are.</summary>
    public int Count => _certificates.Length;

    internal IReadOnlyList<Certificate> Certificates => _certificates;

    /// <summary>
    /// Reads every block labelled CERTIFICATE; duplicates count once. Other blocks and surrounding text are dropped, so a private key among
    /// them goes no further. Empty or blank input is <see cref="Empty"/>.
    /// </summary>
    /// <exception cref="CertificateException">
    /// <see cref="CertificateFault.TooLarge"/> and <see cref="CertificateFault.TooMany"/> by the limits in <see cref="PemLimits"/> (each
    /// block counts, duplicates too); <see cref="CertificateFault.Unreadable"/> when a block is damaged, or when there is text but no
    /// certificate in it.
    /// </exception>
    public static TrustBundle Parse(ReadOnlySpan<byte> pem) => new(PemReader.ReadBundle(pem));

    /// <summary>The union of both.</summary>
    /// <exception cref="CertificateException"><see cref="CertificateFault.TooMany"/> when the union could not be read back.</exception>
    public TrustBundle Add(TrustBundle other)
    {
        ArgumentNullException.ThrowIfNull(other);
        var union = new TrustBundle(_certificates.Concat(other._certificates));
        return union.Count <= PemLimits.BundleCertificates ? union : throw new CertificateException(CertificateFault.TooMany);
    }

    /// <summary>The certificates that are in both.</summary>
    public TrustBundle Intersect(TrustBundle other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new TrustBundle(
            _certificates.IntersectBy(other.Thumbprints(), certificate => certificate.Thumbprint, StringComparer.Ordinal));
    }

    /// <summary>
    /// Drops expired certificates. One that is not valid yet stays, to be trusted later. When all have expired the result is empty; the
    /// caller decides whether that is better than expired roots.
    /// </summary>
    public TrustBundle PruneExpired(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        var now = time.GetUtcNow();
        return new TrustBundle(_certificates.Where(certificate => certificate.NotAfter >= now));
    }

    /// <summary>Whether every certificate of <paramref name="other"/> is in this bundle. Every bundle contains the empty one.</summary>
    public bool Contains(TrustBundle other)
    {
        ArgumentNullException.ThrowIfNull(other);
        var mine = _certificates.Select(certificate => certificate.Thumbprint).ToHashSet(StringComparer.Ordinal);
        return other._certificates.All(certificate => mine.Contains(certificate.Thumbprint));
    }

    /// <summary>
    /// The root in this bundle that the first certificate of a chain leads to by signatures; null when there is none. Validity times do not
    /// matter.
    /// </summary>
    /// <exception cref="CertificateException">
    /// <see cref="CertificateFault.Unreadable"/>, <see cref="CertificateFault.TooLarge"/> or <see cref="CertificateFault.TooMany"/>.
    /// </exception>
    public TrustedCertificate? IssuerOf(ReadOnlySpan<byte> chainPem)
    {
        foreach (var member in PemReader.ReadChain(chainPem))
        {
            if (Array.Find(_certificates, member.IsIssuedBy) is { } root)
                return new TrustedCertificate(root.Thumbprint, root.Subject, root.NotBefore, root.NotAfter);
        }

        return null;
    }

    /// <summary>The certificates of this bundle for which a condition holds.</summary>
    public TrustBundle Where(Func<TrustedCertificate, bool> condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        return new TrustBundle(_certificates.Zip(this).Where(pair => condition(pair.Second)).Select(pair => pair.First));
    }

    /// <summary>
    /// The canonical text: oldest notBefore first, then by thumbprint, with one newline at the end. The empty bundle gives the empty text.
    /// </summary>
    public string ToPem() => string.Concat(_certificates.Select(certificate => certificate.Pem));

    /// <summary>
    /// The policy of a TLS client that trusts only this bundle: the server's certificate must be for servers, valid now, and lead to a root
    /// in this bundle through the certificates that the server sent; nothing is downloaded and revocation is not checked. It is for
    /// <c>SslClientAuthenticationOptions.CertificateChainPolicy</c>, which checks the name too. Use it for one handshake, which adds to it;
    /// the caller disposes its certificates.
    /// </summary>
    /// <param name="time">The clock, read when the policy is created.</param>
    public X509ChainPolicy CreateServerPolicy(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationTime = time.GetUtcNow().UtcDateTime,
        };
        policy.ApplicationPolicy.Add(new Oid(CertificateExtensions.ServerAuthentication));
        foreach (var certificate in _certificates) policy.CustomTrustStore.Add(X509CertificateLoader.LoadCertificate(certificate.Der.Span));
        return policy;
    }

    /// <summary>Whether both hold the same certificates.</summary>
    public bool Equals(TrustBundle? other) =>
        other is not null && Thumbprints().SequenceEqual(other.Thumbprints(), StringComparer.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TrustBundle);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var thumbprint in Thumbprints()) hash.Add(thumbprint, StringComparer.Ordinal);
        return hash.ToHashCode();
    }

    /// <summary>The certificates in canonical order.</summary>
    public IEnumerator<TrustedCertificate> GetEnumerator() => _certificates
        .Select(certificate => new TrustedCertificate(
            certificate.Thumbprint, certificate.Subject, certificate.NotBefore, certificate.NotAfter))
        .GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static TrustBundle Of(IEnumerable<Certificate> certificates) => new(certificates);

    private IEnumerable<string> Thumbprints() => _certificates.Select(certificate => certificate.Thumbprint);
}

/// <summary>One certificate of a trust bundle.</summary>
/// <param name="Thumbprint">SHA-256 of the certificate in lower-case hex, which is its identity.</param>
/// <param name="Subject">The subject's distinguished name.</param>
/// <param name="NotBefore">The first second at which it is valid.</param>
/// <param name="NotAfter">The last second at which it is valid.</param>
public sealed record TrustedCertificate(string Thumbprint, string Subject, DateTimeOffset NotBefore, DateTimeOffset NotAfter);
