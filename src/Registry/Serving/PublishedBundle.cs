using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>
/// What is published for clients: the authorities that sign or will sign, and those found there that do so no more, each until nothing
/// signed by it can be
/// served. Until when is written beside the bundle, as <c>thumbprint=time</c>, separated by commas.
/// </summary>
/// <param name="Bundle">The content of ca.crt.</param>
/// <param name="Until">The note on those that will go; empty when there are none.</param>
internal sealed record PublishedBundle(TrustBundle Bundle, string Until)
{
    /// <summary>
    /// Far more than there are replacements in the life of a certificate; without a bound, whoever stuffs the Secret would stop the
    /// renewals.
    /// </summary>
    private const int MostFormer = 10;

    /// <summary>As in other notes of this product: enough of a SHA-256 to tell a handful of certificates apart.</summary>
    private const int IdentityLength = 16;

    /// <summary>
    /// Decides what is to be published. A pure function: deciding again on its own result changes nothing until a time is over.
    /// </summary>
    /// <param name="own">The authorities that sign or will sign.</param>
    /// <param name="present">What is published now.</param>
    /// <param name="until">The note beside it; what can't be read of it counts as absent.</param>
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
