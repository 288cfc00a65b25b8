using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>What a cluster's nodes are given to trust, and who may sign for them.</summary>
/// <param name="Bundle">The content of the cluster CA Secret.</param>
/// <param name="Authority">Whom all nodes of the cluster accept; null while there is nobody.</param>
internal sealed record ClusterSigner(TrustBundle Bundle, CertificateAuthority? Authority);
