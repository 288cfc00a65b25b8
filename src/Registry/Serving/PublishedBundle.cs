using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>
/// The trust bundle published for clients: the current and the next authority, and former ones until nothing they signed can be served any
/// more. The times are stored with the bundle as <c>thumbprint=time</c>, separated by commas.
/// </summary>
/// <param name="Bundle">The content of ca.crt.</param>
/// <param name="Until">The times of the former authorities; empty when there are none.</param>
internal sealed record PublishedBundle(TrustBundle Bundle, string Until)
{
    /// <summary>
    /// Far more than there are rotations in the lifetime of a certificate. Without a bound, somebody who fills the Secret could stop
    /// renewals.
    /// </summary>
    private const int MostFormer = 10;

    /// <summary>As many digits of the SHA-256 as a root's id has.</summary>
    private const int IdentityLength = 16;

    /// <summary>
    /// Decides what to publish. A pure function: its own result as input gives the same result, until one of the times has passed.
    /// </summary>
    /// <param name="own">The current and the next authority.</param>
    /// <param name="present">The bundle that is published now.</param>
    /// <param name="until">The times stored with it; malformed entries are ignored.</param>
    /// <param name="time">The clock.</param>
    public static PublishedBundle Decide(TrustBundle own, TrustBundle present, string? until, TimeProvider time)
    {
        var now = time.GetUtcNow();
        var known = Parse(until);
        var ends = new SortedDictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (var former in present.PruneExpired(time)
            .Where(certificate => !IsIn(own, certificate)).OrderByDescending(certificate => certificate.NotBefore).Take(MostFormer))
        {
            var end = known.GetValueOrDefault(Identity(former), now + ServingOptions.KeptPublished);
            if (end > now)
                ends[Identity(former)] = end;
        }

        var kept = present.Where(certificate => ends.ContainsKey(Identity(certificate)));
        return new PublishedBundle(
            own.Add(kept), string.Join(
                ',', ends.Select(entry => $"{entry.Key}={KubernetesTime.Format(entry.Value)}")));
    }

    private static Dictionary<string, DateTimeOffset> Parse(string? until)
    {
        var ends = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (var entry in (until ?? "").Split(','))
        {
            if (entry.Split('=') is [var identity, var text]
                && KubernetesTime.TryParse(text, out var end))
                ends[identity] = end;
        }

        return ends;
    }

    private static bool IsIn(TrustBundle bundle, TrustedCertificate certificate) =>
        bundle.Any(other => other.Thumbprint == certificate.Thumbprint);

    private static string Identity(TrustedCertificate certificate) => certificate.Thumbprint[..IdentityLength];
}
