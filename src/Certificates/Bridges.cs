namespace CapiRegistryHook.Certificates;

/// <summary>
/// The bridges that lead from former roots to a root: each has the name and the key of a root and is signed by the root before it. A server sends them
/// after its own certificate, so that a client that only knows a former root accepts it. They are public.
/// </summary>
internal sealed class Bridges
{
    public static readonly Bridges None = new([]);

    private readonly IReadOnlyList<Bridge> _linked;

    private Bridges(IReadOnlyList<Bridge> linked) => _linked = linked;

    /// <summary>Reads them and keeps those that lead to the top of the path, nearest first; others would only make handshakes longer.</summary>
    /// <exception cref="CertificateException">The text is damaged, or holds more than <see cref="PemLimits.Bridges"/>.</exception>
    public static Bridges Read(ReadOnlySpan<byte> pem, TrustPath path)
    {
        if (PemReader.IsBlank(pem)) return None;
        var read = PemReader.ReadChain(pem);
        if (read.Count > PemLimits.Bridges) throw new CertificateException(CertificateFault.TooMany);
        return new Bridges(Link([.. read.DistinctBy(bridge => bridge.Thumbprint, StringComparer.Ordinal)], path));
    }

    /// <summary>Those that have not ended; one that has leads from a root that has ended too.</summary>
    public IReadOnlyList<Certificate> At(DateTimeOffset now) =>
        [.. _linked.Select(bridge => bridge.Certificate).Where(certificate => certificate.NotAfter >= now)];

    /// <summary>The former roots among those trusted from which a way of valid bridges leads to the root.</summary>
    public IEnumerable<Certificate> AnchorsIn(TrustBundle trusted, DateTimeOffset now) =>
        from bridge in _linked
        where bridge.IsValidAt(now)
        from root in trusted.Certificates
        where Covers(root, now) && MayFollow(root, bridge.Below + 1) && bridge.Certificate.IsIssuedBy(root)
        select root;

    private static List<Bridge> Link(IReadOnlyList<Certificate> read, TrustPath path)
    {
        var root = path.Certificates[^1];
        var linked = read
            .Where(bridge => IsFor(bridge, root) && MayFollow(bridge, path.Served.Count))
            .Select(bridge => new Bridge(bridge, null, path.Served.Count))
            .ToList();
        for (var index = 0; index < linked.Count; index++)
        {
            var nearer = linked[index];
            Bridge[] further =
            [
                .. read
                    .Where(bridge => linked.TrueForAll(known => known.Certificate.Thumbprint != bridge.Thumbprint))
                    .Where(bridge => MayFollow(bridge, nearer.Below + 1) && nearer.Certificate.IsIssuedBy(bridge))
                    .Select(bridge => new Bridge(bridge, nearer, nearer.Below + 1)),
            ];
            linked.AddRange(further);
        }

        return linked;
    }

    private static bool IsFor(Certificate bridge, Certificate root) =>
        bridge.Thumbprint != root.Thumbprint
        && bridge.SubjectName.AsSpan().SequenceEqual(root.SubjectName)
        && bridge.PublicKeyInfo.AsSpan().SequenceEqual(root.PublicKeyInfo);

    /// <summary>Go counts self-issued certificates too, which RFC 5280 does not; a bridge must work for both.</summary>
    private static bool MayFollow(Certificate certificate, int below) =>
        certificate.Extensions.MaySign && (certificate.Extensions.PathLength is not { } length || length >= below);

    private static bool Covers(Certificate certificate, DateTimeOffset now) => certificate.NotBefore <= now && now <= certificate.NotAfter;

    /// <param name="Certificate">The bridge itself.</param>
    /// <param name="Nearer">The bridge that it certifies; null when it certifies the root.</param>
    /// <param name="Below">How many intermediates a chain has between it and the leaf.</param>
    private sealed record Bridge(Certificate Certificate, Bridge? Nearer, int Below)
    {
        public bool IsValidAt(DateTimeOffset now) => Covers(Certificate, now) && (Nearer is null || Nearer.IsValidAt(now));
    }
}
