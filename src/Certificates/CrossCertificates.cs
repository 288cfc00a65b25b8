namespace CapiRegistryHook.Certificates;

/// <summary>
/// The cross-certificates that lead from former roots to a root: each has the name and the key of a root and is signed by the root before
/// it. A server sends them after its own certificate, so that clients that trust only a former root accept it. They are public.
/// </summary>
internal sealed class CrossCertificates
{
    public static readonly CrossCertificates None = new([]);

    private readonly IReadOnlyList<CrossCertificate> _linked;

    private CrossCertificates(IReadOnlyList<CrossCertificate> linked) => _linked = linked;

    /// <summary>
    /// Reads them and keeps those that lead to the top of the path, nearest first; others would only lengthen handshakes.
    /// </summary>
    /// <exception cref="CertificateException">The text is damaged, or contains more than
    /// <see cref="PemLimits.CrossCertificates"/>.</exception>
    public static CrossCertificates Read(ReadOnlySpan<byte> pem, TrustPath path)
    {
        if (PemReader.IsBlank(pem)) return None;
        var read = PemReader.ReadChain(pem);
        if (read.Count > PemLimits.CrossCertificates) throw new CertificateException(CertificateFault.TooMany);
        return new CrossCertificates(
            Link([.. read.DistinctBy(crossCertificate => crossCertificate.Thumbprint, StringComparer.Ordinal)], path));
    }

    /// <summary>The unexpired ones; an expired one leads from a root that has expired too.</summary>
    public IReadOnlyList<Certificate> At(DateTimeOffset now) =>
        [.. _linked.Select(crossCertificate => crossCertificate.Certificate).Where(certificate => certificate.NotAfter >= now)];

    /// <summary>The trusted roots from which a path of valid cross-certificates leads to the root.</summary>
    public IEnumerable<Certificate> AnchorsIn(TrustBundle trusted, DateTimeOffset now) =>
        from crossCertificate in _linked
        where crossCertificate.IsValidAt(now)
        from root in trusted.Certificates
        where Covers(root, now) && MayFollow(root, crossCertificate.Below + 1) && crossCertificate.Certificate.IsIssuedBy(root)
        select root;

    private static List<CrossCertificate> Link(IReadOnlyList<Certificate> read, TrustPath path)
    {
        var root = path.Certificates[^1];
        var linked = read
            .Where(crossCertificate => IsFor(crossCertificate, root) && MayFollow(crossCertificate, path.Served.Count))
            .Select(crossCertificate => new CrossCertificate(crossCertificate, null, path.Served.Count))
            .ToList();
        for (var index = 0; index < linked.Count; index++)
        {
            var nearer = linked[index];
            CrossCertificate[] further =
            [
                .. read
                    .Where(crossCertificate => linked.TrueForAll(known => known.Certificate.Thumbprint != crossCertificate.Thumbprint))
                    .Where(crossCertificate => MayFollow(crossCertificate, nearer.Below + 1)
                    && nearer.Certificate.IsIssuedBy(crossCertificate))
                    .Select(crossCertificate => new CrossCertificate(crossCertificate, nearer, nearer.Below + 1)),
            ];
            linked.AddRange(further);
        }

        return linked;
    }

    private static bool IsFor(Certificate crossCertificate, Certificate root) =>
        crossCertificate.Thumbprint != root.Thumbprint
        && crossCertificate.SubjectName.AsSpan().SequenceEqual(root.SubjectName)
        && crossCertificate.PublicKeyInfo.AsSpan().SequenceEqual(root.PublicKeyInfo);

    /// <summary>Go counts self-issued certificates too, which RFC 5280 does not; a cross-certificate must work for both.</summary>
    private static bool MayFollow(Certificate certificate, int below) =>
        certificate.Extensions.MaySign && (certificate.Extensions.PathLength is not { } length || length >= below);

    private static bool Covers(Certificate certificate, DateTimeOffset now) => certificate.NotBefore <= now && now <= certificate.NotAfter;

    /// <param name="Certificate">The cross-certificate itself.</param>
    /// <param name="Nearer">The cross-certificate that it certifies; null when it certifies the root.</param>
    /// <param name="Below">How many intermediates a chain has between it and the leaf.</param>
    private sealed record CrossCertificate(Certificate Certificate, CrossCertificate? Nearer, int Below)
    {
        public bool IsValidAt(DateTimeOffset now) => Covers(Certificate, now) && (Nearer is null || Nearer.IsValidAt(now));
    }
}
