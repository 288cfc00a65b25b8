using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Registry.ServerCertificates;

/// <summary>
/// Decides from the management side alone whether the workload cluster must be looked at. What the annotations say is taken for true
/// until there is something to do; whoever then acts looks at the certificate itself.
/// </summary>
internal static class CertificateDue
{
    /// <summary>The reason to look, or null.</summary>
    /// <param name="known">What the annotations say; null when they are not there.</param>
    /// <param name="wanted">What the certificate must be.</param>
    /// <param name="uid">The Cluster's.</param>
    /// <param name="now">The present.</param>
    public static string? Reason(CertificateRecord? known, WantedCertificate wanted, string uid, DateTimeOffset now)
    {
        if (known is null)
            return "It is not known which certificate the registry has.";
        if (wanted.Refusal is null && known.Issuer != CertificateRecord.IssuerOf(wanted.Authority))
            return "The certificate is from another root than the current one.";
        if (known.Request != CertificateRecord.DigestOf(wanted.Request))
            return "The certificate is for other names or of another algorithm than wanted.";
        if (wanted.RenewalRequest is not null && known.RequestedBy != wanted.RenewalRequest)
            return "A renewal was asked for.";
        if (known.Trust != CertificateRecord.DigestOf(wanted.TrustBytes))
            return "The trust bundle beside the certificate is not the cluster's.";
        if (!known.IsServed)
            return "It is not known yet whether the certificate is served.";
        return now >= RenewalOf(known, wanted, uid) ? "The certificate is due for renewal." : null;
    }

    /// <summary>While nobody may sign, what there is stays for as long as it can.</summary>
    private static DateTimeOffset RenewalOf(CertificateRecord known, WantedCertificate wanted, string uid) => wanted.Refusal is null
        ? RenewalSchedule.TimeOf(known, uid)
        : ReissuePolicy.LastRenewalTime(known.NotBefore, known.NotAfter);
}
