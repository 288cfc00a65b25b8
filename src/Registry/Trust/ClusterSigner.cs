using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>What a cluster's nodes are given to trust, and which root may sign for them.</summary>
/// <param name="Bundle">The content of the cluster CA Secret.</param>
/// <param name="Authority">The root that all nodes of the cluster accept; null while there is none.</param>
/// <param name="IsSettled">True when nothing is left to retire: no former root in the bundle, no compromised one on nodes.</param>
internal sealed record ClusterSigner(TrustBundle Bundle, CertificateAuthority? Authority, bool IsSettled);
