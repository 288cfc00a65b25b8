using CapiRegistryHook.Certificates;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>What a rotation must know about the clusters. Called only when the next step depends on it.</summary>
internal interface IRotationProgress
{
    /// <summary>
    /// A reconciled cluster whose registry is not known to serve a certificate from a root; null when there is none.
    /// </summary>
    /// <param name="rootId">The root, see <see cref="RootId"/>.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    Task<ClusterKey?> FindClusterNotRotatedAsync(string rootId, CancellationToken cancellationToken);

    /// <summary>All roots in the bundles of all clusters.</summary>
    Task<TrustBundle> TrustedAsync(CancellationToken cancellationToken);
}
