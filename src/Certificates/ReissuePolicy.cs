namespace CapiRegistryHook.Certificates;

/// <summary>
/// Decides whether a server certificate must be reissued: a chain of checks in a fixed order, of which the first that fails gives the
/// reason. Pure: the same input at the same time gives the same answer. What triggers a reconcile, what reissues the certificate and when
/// it is renewed all come from this chain.
/// </summary>
public static class ReissuePolicy
{
    /// <summary>Each check returns the sentence for its reason, or null when the certificate passes.</summary>
    private static readonly (ReissueReason Reason, Func<ReissueInput, DateTimeOffset, string?> Check)[] Chain =
    [
        (ReissueReason.Missing, (input, _) => Defect(input, ReissueReason.Missing, "There is no server certificate yet.")),
        (ReissueReason.Unreadable, (input, _) =>
            Defect(input, ReissueReason.Unreadable, "The server certificate or its private key can't be read.")),
        (ReissueReason.KeyMismatch, (input, _) =>
            Defect(input, ReissueReason.KeyMismatch, "The private key does not belong to the server certificate.")),
        (ReissueReason.IssuerChanged, (input, _) =>
            input.HasOtherIssuer ? "The server certificate was not issued by the current authority." : null),
        (ReissueReason.AlgorithmChanged, (input, _) =>
            input.HasOtherAlgorithm ? "The key of the server certificate is not of the wanted algorithm." : null),
        (ReissueReason.NamesChanged, (input, _) =>
            input.HasOtherNames ? "The server certificate does not match the wanted names and addresses." : null),
        (ReissueReason.Requested, (input, _) => input.Request),
        (ReissueReason.Due, (input, now) => now >= input.RenewalTime ? "The server certificate is due for renewal." : null),
    ];

    private static readonly ReissueDecision Keep = new(ReissueReason.None, "The server certificate is up to date.");

    /// <summary>Runs the chain.</summary>
    /// <param name="input">How the certificate differs from the wanted one.</param>
    /// <param name="now">The current time.</param>
    public static ReissueDecision Evaluate(ReissueInput input, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(input);
        foreach (var (reason, check) in Chain)
        {
            if (check(input, now) is { } message)
                return new ReissueDecision(reason, message);
        }

        return Keep;
    }

    /// <summary>Runs the chain over a stored certificate; see <see cref="ReissueInput.Read"/>.</summary>
    public static ReissueDecision Evaluate(
        ReadOnlySpan<byte> certificatePem, ReadOnlySpan<byte> privateKeyPem, ServerCertificateRequest wanted,
        CertificateAuthority? authority, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        var now = time.GetUtcNow();
        return Evaluate(ReissueInput.Read(certificatePem, privateKeyPem, wanted, authority, now), now);
    }

    /// <summary>
    /// After two thirds of the lifetime: for a certificate of two years, eight months before it expires. A lifetime that is not positive
    /// is over at <paramref name="notBefore"/>.
    /// </summary>
    public static DateTimeOffset RenewalTime(DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var life = (notAfter - notBefore).Ticks;
        return life > 0 ? notBefore.AddTicks(life / 3 * 2) : notBefore;
    }

    /// <summary>When a sixth of the lifetime is left: for a certificate of two years, four months before it expires.</summary>
    public static DateTimeOffset LastRenewalTime(DateTimeOffset notBefore, DateTimeOffset notAfter) =>
        notAfter - ((notAfter - notBefore) / 6);

    private static string? Defect(ReissueInput input, ReissueReason reason, string message) => input.Defect == reason ? message : null;
}
