namespace CapiRegistryHook.Certificates;

/// <summary>
/// What <see cref="ReissuePolicy"/> checks: how a server certificate differs from the wanted one. It is read from the certificate itself
/// or derived from a record of it.
/// </summary>
public sealed record ReissueInput
{
    /// <summary>How far in the future a certificate may begin before it is replaced.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromHours(1);

    /// <summary>
    /// <see cref="ReissueReason.Missing"/>, <see cref="ReissueReason.Unreadable"/> or <see cref="ReissueReason.KeyMismatch"/> when there
    /// is nothing to compare; otherwise <see cref="ReissueReason.None"/>.
    /// </summary>
    public ReissueReason Defect { get; init; }

    /// <summary>Whether it must come from another issuer. False while nobody may sign.</summary>
    public bool HasOtherIssuer { get; init; }

    /// <summary>Whether its key is of another kind than wanted.</summary>
    public bool HasOtherAlgorithm { get; init; }

    /// <summary>Whether it is valid for other names or addresses than wanted.</summary>
    public bool HasOtherNames { get; init; }

    /// <summary>Why a renewal was requested that is still to be done, as a sentence; null when there is no such request.</summary>
    public string? Request { get; init; }

    /// <summary>The moment from which it is due.</summary>
    public DateTimeOffset RenewalTime { get; init; }

    /// <summary>
    /// Compares a certificate as it is stored. The issuer is unchanged when the authority's key made the signature and the intermediates
    /// and cross-certificates that follow are the authority's, expired ones aside; the trust bundle does not matter. Neither do the
    /// common name and the lifetime.
    /// </summary>
    /// <param name="certificatePem">tls.crt, or empty when there is none.</param>
    /// <param name="privateKeyPem">tls.key, or empty when there is none.</param>
    /// <param name="wanted">What the certificate should be.</param>
    /// <param name="authority">
    /// Who should have issued it; null while nobody may sign. Then any issuer will do, and it is due at
    /// <see cref="ReissuePolicy.LastRenewalTime"/>, which gives the next issuer as long as possible to become trusted.
    /// </param>
    /// <param name="now">The current time.</param>
    public static ReissueInput Read(
        ReadOnlySpan<byte> certificatePem, ReadOnlySpan<byte> privateKeyPem, ServerCertificateRequest wanted,
        CertificateAuthority? authority, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        if (PemReader.IsBlank(certificatePem) || PemReader.IsBlank(privateKeyPem)) return new() { Defect = ReissueReason.Missing };
        try
        {
            var chain = PemReader.ReadChain(certificatePem);
            using var key = PrivateKey.Read(privateKeyPem);
            return key.Matches(chain[0])
                ? Compare(chain, key.Algorithm, wanted, authority, now) : new() { Defect = ReissueReason.KeyMismatch };
        }
        catch (CertificateException)
        {
            return new() { Defect = ReissueReason.Unreadable };
        }
    }

    private static ReissueInput Compare(
        IReadOnlyList<Certificate> chain, KeyAlgorithm? algorithm, ServerCertificateRequest wanted, CertificateAuthority? authority,
        DateTimeOffset now) => new()
    {
        HasOtherIssuer = authority is not null && !IsIssuedBy(chain, authority, now),
        HasOtherAlgorithm = algorithm != wanted.Algorithm,
        HasOtherNames = chain[0].Extensions.HasOtherNames || !chain[0].Extensions.Names.Equals(wanted.Names),
        RenewalTime = authority is null ? ReissuePolicy.LastRenewalTime(chain[0].NotBefore, chain[0].NotAfter)
            : IsUnusable(chain[0], authority, now) ? now : ReissuePolicy.RenewalTime(chain[0].NotBefore, chain[0].NotAfter),
    };

    private static bool IsIssuedBy(IReadOnlyList<Certificate> chain, CertificateAuthority authority, DateTimeOffset now) =>
        chain[0].IsIssuedBy(authority.Certificate)
        && Unexpired(chain.Skip(1), now).SequenceEqual(Unexpired(authority.ServedChain(now), now), StringComparer.Ordinal);

    private static IEnumerable<string> Unexpired(IEnumerable<Certificate> certificates, DateTimeOffset now) =>
        certificates.Where(certificate => certificate.NotAfter >= now).Select(certificate => certificate.Thumbprint);

    /// <summary>
    /// A certificate that begins in the future was issued by a replica whose clock is ahead. Clocks differ by seconds or minutes, so an
    /// hour is tolerated; beyond it, nodes could not pull for a long time. Replicas whose clocks differ by more do not reissue in turns:
    /// what the slower clock issues begins earlier and satisfies both.
    /// </summary>
    private static bool IsUnusable(Certificate leaf, CertificateAuthority authority, DateTimeOffset now) =>
        leaf.NotAfter <= leaf.NotBefore || leaf.NotAfter > authority.NotAfter || leaf.NotBefore > now + ClockTolerance;
}
