using System.Globalization;
using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// Makes the Secret with the root that is to follow: a new key, and the cross-certificates by which nodes that only know former roots
/// accept it.
/// </summary>
internal static class NextRootFactory
{
    public static Secret Create(RootSecret current, RegistryOptions options, TimeProvider time)
    {
        using var pair = RootAuthority.Create(options, time);
        var data = SecretKeys.Tls(pair, pair.CertificatePem);
        using var root = CertificateAuthority.Load(data[SecretKeys.Certificate], data[SecretKeys.PrivateKey], default);
        data[RootSecret.CrossCertificatesKey] = Encoding.ASCII.GetBytes(string.Concat(CrossCertificates(current.Authority, root, time)));
        var name = RootAuthority.NextNameOf(options);
        return new Secret
        {
            Metadata = new ObjectMeta { Namespace = name.Namespace, Name = name.Name, Labels = ObjectLabels.Movable,
            Annotations = Annotations(current) },
            Type = SecretKeys.TlsType,
            Data = data,
        };
    }

    /// <summary>
    /// Whether everybody who accepts what the current root issues accepts the next one too; a root that can't cross-certificate asks that
    /// of nobody.
    /// </summary>
    public static bool ReachesAll(RootSecret current, Secret next, TrustBundle trusted, TimeProvider time)
    {
        using var follower = RootSecret.Load(next);
        return !MayCrossCertificate(current.Authority, time)
            || follower.Authority.AnchorsIn(trusted, time).Contains(current.Authority.AnchorsIn(trusted, time));
    }

    /// <summary>The new one first, then those that lead to the current root. The farthest go when there are too many.</summary>
    private static IEnumerable<string> CrossCertificates(CertificateAuthority current, CertificateAuthority root, TimeProvider time) =>
        MayCrossCertificate(current, time)
        ? current.CrossCertificatesAt(time.GetUtcNow()).Prepend(current.CrossCertificateTo(root, time)).Take(PemLimits.CrossCertificates)
        : [];

    private static bool MayCrossCertificate(CertificateAuthority current, TimeProvider time) =>
        current.MayCrossCertificate && !current.IsExpired(time) && current.NotBefore <= time.GetUtcNow();

    private static Dictionary<string, string> Annotations(RootSecret current)
    {
        var annotations = new Dictionary<string, string>
        {
            [RootAnnotations.Follows] = current.Id,
            [RootAnnotations.Generation] = (current.Generation + 1).ToString(CultureInfo.InvariantCulture),
        };
        if (current.Annotation(RootAnnotations.RotateRoot) is { } request)
            annotations[RootAnnotations.RotatedFor] = request;
        return annotations;
    }
}
