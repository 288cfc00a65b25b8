namespace CapiRegistryHook.Certificates;

/// <summary>
/// Decides whether a server certificate must be issued anew: a chain of checks in a fixed order, of which the first hit wins.
/// Pure: the same input at the same time gives the same answer.
/// </summary>
public sealed class ReissuePolicy
{
    /// <summary>
    /// How far in the future a certificate may begin before that counts. See <see cref="IsDue"/>.
    /// </summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromHours(1);

    private ReissuePolicy()
    {
    }

    /// <summary>
    /// Looks for a reason in this order: missing, unreadable, key mismatch, issuer changed, algorithm changed, names changed, due.
    /// The issuer counts as unchanged when the authority's key made the signature and the served intermediates and cross-certificates are
    /// the authority's, byte by
    /// byte, those left aside that have ended; the authority's trust bundle plays no part in that. The common name and the lifetime are
    /// not compared.
    /// </summary>
    /// <param name="certificatePem">tls.crt, or empty when there is none.</param>
    /// <param name="privateKeyPem">tls.key, or empty when there is none.</param>
    /// <param name="wanted">What the certificate should be.</param>
    /// <param name="authority">Who should have issued it.</param>
    /// <param name="time">The clock.</param>
    public static ReissueDecision Evaluate(
        ReadOnlySpan<byte> certificatePem, ReadOnlySpan<byte> privateKeyPem, ServerCertificateRequest wanted,
        CertificateAuthority authority, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        ArgumentNullException.ThrowIfNull(authority);
        ArgumentNullException.ThrowIfNull(time);
        return FirstReason(certificatePem, privateKeyPem, (chain, key) => ReasonFor(chain, key, wanted, authority, time.GetUtcNow()));
    }

    /// <summary>
    /// As <see cref="Evaluate"/> while nobody may sign: the certificate is kept whoever issued it, and is due only when less than a sixth
    /// of its life is
    /// left, so that whoever is to sign next has as long as possible to become trusted.
    /// </summary>
    /// <param name="certificatePem">tls.crt, or empty when there is none.</param>
    /// <param name="privateKeyPem">tls.key, or empty when there is none.</param>
    /// <param name="wanted">What the certificate should be.</param>
    /// <param name="time">The clock.</param>
    public static ReissueDecision EvaluateKept(
        ReadOnlySpan<byte> certificatePem, ReadOnlySpan<byte> privateKeyPem, ServerCertificateRequest wanted, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        ArgumentNullException.ThrowIfNull(time);
        return FirstReason(certificatePem, privateKeyPem, (chain, key) => ReasonFor(chain[0], key, wanted)
            ?? (time.GetUtcNow() >= LastRenewalTime(chain[0].NotBefore, chain[0].NotAfter) ? ReissueReason.Due : ReissueReason.None));
    }

    /// <summary>
    /// When two thirds of the life are over: for a certificate of two years eight months before its end. A life that is not positive
    /// is over at <paramref name="notBefore"/>.
    /// </summary>
    public static DateTimeOffset RenewalTime(DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var life = (notAfter - notBefore).Ticks;
        return life > 0 ? notBefore.AddTicks(life / 3 * 2) : notBefore;
    }

    /// <summary>When less than a sixth of the life is left: for a certificate of two years four months before its end.</summary>
    public static DateTimeOffset LastRenewalTime(DateTimeOffset notBefore, DateTimeOffset notAfter) =>
        notAfter - ((notAfter - notBefore) / 6);

    private static ReissueDecision FirstReason(
        ReadOnlySpan<byte> certificatePem, ReadOnlySpan<byte> privateKeyPem,
        Func<IReadOnlyList<Certificate>, PrivateKey, ReissueReason> reasonFor)
    {
        if (PemReader.IsBlank(certificatePem) || PemReader.IsBlank(privateKeyPem)) return ReissueDecision.For(ReissueReason.Missing);
        try
        {
            var chain = PemReader.ReadChain(certificatePem);
            using var key = PrivateKey.Read(privateKeyPem);
            return ReissueDecision.For(key.Matches(chain[0]) ? reasonFor(chain, key) : ReissueReason.KeyMismatch);
        }
        catch (CertificateException)
        {
            return ReissueDecision.For(ReissueReason.Unreadable);
        }
    }

    private static ReissueReason ReasonFor(
        IReadOnlyList<Certificate> chain, PrivateKey key, ServerCertificateRequest wanted, CertificateAuthority authority,
        DateTimeOffset now)
    {
        if (!IsIssuedBy(chain, authority, now)) return ReissueReason.IssuerChanged;
        return ReasonFor(chain[0], key, wanted) ?? (IsDue(chain[0], authority, now) ? ReissueReason.Due : ReissueReason.None);
    }

    private static ReissueReason? ReasonFor(Certificate leaf, PrivateKey key, ServerCertificateRequest wanted)
    {
        if (key.Algorithm != wanted.Algorithm) return ReissueReason.AlgorithmChanged;
        return leaf.Extensions.HasOtherNames || !leaf.Extensions.Names.Equals(wanted.Names) ? ReissueReason.NamesChanged : null;
    }

    private static bool IsIssuedBy(IReadOnlyList<Certificate> chain, CertificateAuthority authority, DateTimeOffset now) =>
        chain[0].IsIssuedBy(authority.Certificate)
        && Unended(chain.Skip(1), now).SequenceEqual(Unended(authority.ServedChain(now), now), StringComparer.Ordinal);

    private static IEnumerable<string> Unended(IEnumerable<Certificate> certificates, DateTimeOffset now) =>
        certificates.Where(certificate => certificate.NotAfter >= now).Select(certificate => certificate.Thumbprint);

    /// <summary>
    /// A certificate that has not begun yet was issued by a clock ahead of this one. Replicas differ by seconds or minutes, and the
    /// certificate becomes right by itself, so an hour is tolerated; beyond it nobody could pull for long. Two replicas whose
    /// clocks differ by more don't take turns over it: what the earlier clock issues begins further back and suits the later one too.
    /// </summary>
    private static bool IsDue(Certificate leaf, CertificateAuthority authority, DateTimeOffset now) =>
        leaf.NotAfter <= leaf.NotBefore
        || leaf.NotAfter > authority.NotAfter
        || now >= RenewalTime(leaf.NotBefore, leaf.NotAfter)
        || leaf.NotBefore > now + ClockTolerance;
}
