using CapiRegistryHook.Certificates;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>The root that signs, and during a rotation the one before it. It owns their keys.</summary>
internal sealed class SigningRoots(RootSecret current, RootSecret? next, RootSource source, TimeProvider time) : IDisposable
{
    /// <summary>The root that is to sign: the next one while there is one.</summary>
    public CertificateAuthority Authority => (next ?? current).Authority;

    /// <summary>
    /// Those that may sign, the one that is to sign first. The former root steps in for a cluster whose nodes don't accept its successor
    /// yet.
    /// </summary>
    public IEnumerable<CertificateAuthority> Candidates =>
        new[] { next?.Authority, current.Authority }.OfType<CertificateAuthority>().Where(authority => !authority.IsExpired(time));

    /// <summary>
    /// What nodes that are made from now on are to trust: both roots, but not one that is compromised and has a successor.
    /// </summary>
    public TrustBundle Bundle => (next is null ? current.Authority.TrustBundle
        : current.IsCompromised ? next.Authority.TrustBundle
        : current.Authority.TrustBundle.Add(next.Authority.TrustBundle)).PruneExpired(time);

    /// <summary>The name of the root that is to sign, see <see cref="RootId"/>.</summary>
    public string SignerId => RootId.Of(Authority);

    /// <summary>How many roots there have been, the one that is to sign included.</summary>
    public int Generation => (next ?? current).Generation;

    public bool IsRotating => next is not null;

    /// <summary>The former root that somebody else may have the key of; null when there is none, or no successor yet.</summary>
    public string? Compromised => current.Annotation(RootAnnotations.Compromised) is { } id && id != SignerId ? id : null;

    /// <summary>Whether others change the root, and clusters have to follow.</summary>
    public bool IsFollowed => source == RootSource.External;

    public void Dispose()
    {
        current.Dispose();
        next?.Dispose();
    }
}
