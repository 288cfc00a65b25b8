using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>The roots that a cluster's nodes are given to trust, and the one that may sign for them. It owns the roots.</summary>
/// <param name="Roots">The root that signs and, during a rotation, the former one.</param>
/// <param name="Bundle">The content of the cluster CA Secret.</param>
/// <param name="Accepted">The root that all nodes of the cluster accept; null when they accept none that can sign.</param>
/// <param name="IsSettled">True when nothing is left to retire: no former root in the bundle and no compromised one on nodes.</param>
internal sealed record ClusterSigner(
    SigningRoots Roots, TrustBundle Bundle, CertificateAuthority? Accepted, bool IsSettled) : IDisposable
{
    public CertificateAuthority Authority => Accepted ?? Roots.Authority;

    /// <summary>False while the nodes accept none of the roots that can sign; the existing certificate stays.</summary>
    public bool MayIssue => Accepted is not null;

    public void Dispose() => Roots.Dispose();
}
