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
    /// The issuer counts as unchanged when the authority's key made the signature and the served intermediates are the authority's, byte by
    /// byte; times and the authority's trust bundle play no part in that. The common name and the lifetime are not compared.
    /// </summary>
    /// <param name="certificatePem">tls.crt, or empty when there is none.</param>
    /// <param name="privateKeyPem">tls.key, or empty when there is none.</param>
    /// <param name="wanted">What the certificate should be.</param>
    /// <param name="authority">Who should have issued it.</param>
    /// <param name="time">The clock.</param>
    public static ReissueDecision Evaluate(
        ReadOnlySpan<byte> certificatePem, ReadOnlySpan<byte> privateKeyPem, ServerCertificateRequest wanted, CertificateAuthority authority, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        ArgumentNullException.ThrowIfNull(authority);
        ArgumentNullException.ThrowIfNull(time);
        if (PemReader.IsBlank(certificatePem) || PemReader.IsBlank(privateKeyPem)) return ReissueDecision.For(ReissueReason.Missing);
        try
        {
            var chain = PemReader.ReadChain(certificatePem);
            using var key = PrivateKey.Read(privateKeyPem);
            return ReissueDecision.For(ReasonFor(chain, key, wanted, authority, time.GetUtcNow()));
        }
        catch (CertificateException)
        {
            return ReissueDecision.For(ReissueReason.Unreadable);
        }
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

    private static ReissueReason ReasonFor(
        IReadOnlyList<Certificate> chain, PrivateKey key, ServerCertificateRequest wanted, CertificateAuthority authority, DateTimeOffset now)
    {
        var leaf = chain[0];
        if (!key.Matches(leaf)) return ReissueReason.KeyMismatch;
        if (!IsIssuedBy(chain, authority)) return ReissueReason.IssuerChanged;
        if (key.Algorithm != wanted.Algorithm) return ReissueReason.AlgorithmChanged;
        if (leaf.Extensions.HasOtherNames || !leaf.Extensions.Names.Equals(wanted.Names)) return ReissueReason.NamesChanged;
        return IsDue(leaf, authority, now) ? ReissueReason.Due : ReissueReason.None;
    }

    private static bool IsIssuedBy(IReadOnlyList<Certificate> chain, CertificateAuthority authority) =>
        chain[0].IsIssuedBy(authority.Certificate)
        && chain.Skip(1).Select(certificate => certificate.Thumbprint)
            .SequenceEqual(authority.ServedChain.Select(certificate => certificate.Thumbprint), StringComparer.Ordinal);

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
