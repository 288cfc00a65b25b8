using CapiRegistryHook.Certificates;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>The root that signs and, during a rotation, the one that it replaces. Owns their keys.</summary>
internal sealed class SigningRoots(AuthoritySecret current, AuthoritySecret? next, RootSource source, TimeProvider time) : IDisposable
{
    /// <summary>The root that signs: the next one during a rotation.</summary>
    public CertificateAuthority Authority => (next ?? current).Authority;

    /// <summary>
    /// The roots that can sign, the preferred one first. The former root signs for a cluster whose nodes do not accept its successor yet.
    /// </summary>
    public IEnumerable<CertificateAuthority> Candidates =>
        new[] { next?.Authority, current.Authority }.OfType<CertificateAuthority>().Where(authority => !authority.IsExpired(time));

    /// <summary>The roots that new nodes are given to trust: both, except compromised ones that have a successor.</summary>
    public TrustBundle Bundle => (next is null ? current.Authority.TrustBundle
        : current.Authority.TrustBundle.Add(next.Authority.TrustBundle)).Where(root => !IsBanned(root)).PruneExpired(time);

    /// <summary>The id of the root that signs, see <see cref="RootId"/>.</summary>
    public string SignerId => RootId.Of(Authority);

    /// <summary>How many roots there have been, the one that signs included.</summary>
    public int Generation => (next ?? current).Generation;

    public bool IsRotating => next is not null;

    /// <summary>Whether a root is compromised and another root signs.</summary>
    public bool IsBanned(TrustedCertificate root) =>
        RootId.Of(root.Thumbprint) is var id && id != SignerId && current.CompromisedIds.Contains(id, StringComparer.Ordinal);

    /// <summary>Whether the root is managed outside this service, and clusters follow its changes.</summary>
    public bool IsFollowed => source == RootSource.External;

    public void Dispose()
    {
        current.Dispose();
        next?.Dispose();
    }
}
