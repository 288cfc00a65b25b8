using System.Globalization;
using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// Makes the Secret with the next root: a new key, and the cross-certificates by which nodes that trust only former roots accept it.
/// </summary>
internal static class NextRootFactory
{
    public static Secret Create(AuthoritySecret current, RegistryOptions options, TimeProvider time)
    {
        var secret = RootAuthority.NewRoot(RootAuthority.NextNameOf(options), options, time);
        using var root = AuthoritySecret.Load(secret);
        var crossCertificates = string.Concat(CrossCertificates(current.Authority, root.Authority, time));
        return secret with
        {
            Metadata = secret.Metadata with { Annotations = Annotations(current) },
            Data = new Dictionary<string, byte[]>(secret.Data!)
            {
                [AuthoritySecret.CrossCertificatesKey] = Encoding.ASCII.GetBytes(crossCertificates),
            },
        };
    }

    /// <summary>
    /// Whether all clients that accept what the current root issues accept the next one too. Always true for a root that can't
    /// cross-certificate: then clusters wait for their nodes instead.
    /// </summary>
    public static bool ReachesAll(AuthoritySecret current, Secret next, TrustBundle trusted, TimeProvider time)
    {
        using var successor = AuthoritySecret.Load(next);
        return !MayCrossCertificate(current.Authority, time)
            || successor.Authority.AnchorsIn(trusted, time).Contains(current.Authority.AnchorsIn(trusted, time));
    }

    /// <summary>The new one first, then those that lead to the current root. The oldest are dropped when there are too many.</summary>
    private static IEnumerable<string> CrossCertificates(CertificateAuthority current, CertificateAuthority root, TimeProvider time) =>
        MayCrossCertificate(current, time)
        ? current.CrossCertificatesAt(time.GetUtcNow()).Prepend(current.CrossCertificateTo(root, time)).Take(PemLimits.CrossCertificates)
        : [];

    private static bool MayCrossCertificate(CertificateAuthority current, TimeProvider time) =>
        current.MayCrossCertificate && !current.IsExpired(time) && current.NotBefore <= time.GetUtcNow();

    private static Dictionary<string, string> Annotations(AuthoritySecret current)
    {
        var annotations = new Dictionary<string, string>
        {
            [RootAnnotations.Follows] = current.Id,
            [RootAnnotations.Generation] = (current.Generation + 1).ToString(CultureInfo.InvariantCulture),
        };
        if (current.RotationRequest is { } request)
            annotations[AuthoritySecret.RotatedForAnnotation] = request;
        return annotations;
    }
}
