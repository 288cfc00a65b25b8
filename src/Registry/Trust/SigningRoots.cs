using CapiRegistryHook.Certificates;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>The root that signs and, during a rotation, the one that it replaces. Owns their keys.</summary>
internal sealed class SigningRoots(AuthoritySecret current, AuthoritySecret? next, RootSource source, TimeProvider time) : IDisposable
{
    /// <summary>The root that is to sign: the next one while there is one.</summary>
    public CertificateAuthority Authority => (next ?? current).Authority;

    /// <summary>
    /// The roots that may sign, the preferred one first. The former root signs for a cluster whose nodes don't accept its successor yet.
    /// </summary>
    public IEnumerable<CertificateAuthority> Candidates =>
        new[] { next?.Authority, current.Authority }.OfType<CertificateAuthority>().Where(authority => !authority.IsExpired(time));

    /// <summary>What new nodes are to trust: both roots, without compromised ones that have a successor.</summary>
    public TrustBundle Bundle => (next is null ? current.Authority.TrustBundle
        : current.Authority.TrustBundle.Add(next.Authority.TrustBundle)).Where(root => !IsBanned(root)).PruneExpired(time);

    /// <summary>The name of the root that is to sign, see <see cref="RootId"/>.</summary>
    public string SignerId => RootId.Of(Authority);

    /// <summary>How many roots there have been, the one that is to sign included.</summary>
    public int Generation => (next ?? current).Generation;

    public bool IsRotating => next is not null;

    /// <summary>Whether a root's key is compromised and the root that signs is another one.</summary>
    public bool IsBanned(TrustedCertificate root) =>
        RootId.Of(root.Thumbprint) is var id && id != SignerId && current.CompromisedIds.Contains(id, StringComparer.Ordinal);

    /// <summary>Whether others change the root, and clusters have to follow.</summary>
    public bool IsFollowed => source == RootSource.External;

    public void Dispose()
    {
        current.Dispose();
        next?.Dispose();
    }
}
