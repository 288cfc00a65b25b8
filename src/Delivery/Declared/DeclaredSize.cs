using System.Net;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Delivery.Declared;

/// <summary>Measures what RegistryContents declare for a Cluster, at their sources and without fetching a layer.</summary>
/// <param name="fleet">Where contents and what lies beside them are; not disposed here.</param>
/// <param name="sources">Special addresses that sources may have.</param>
/// <param name="time">The clock.</param>
public sealed class DeclaredSize(ContentFleet fleet, IReadOnlyList<IPNetwork> sources, TimeProvider time)
{
    /// <summary>Measures it. What contents share counts once.</summary>
    /// <param name="cluster">The Cluster, which need not be there yet.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>How many contents select the Cluster, and their bytes on each replica.</returns>
    /// <exception cref="ContentException">A source or a lock can't be used.</exception>
    /// <exception cref="Targets.DeliveryException">A Secret, a ConfigMap or a bundle is missing; a bundle is only there for the
    /// syncer.</exception>
    /// <exception cref="Kubernetes.Client.KubernetesApiException">The management API server can't be asked.</exception>
    public async Task<(int Contents, long Bytes)> MeasureAsync(Cluster cluster, CancellationToken cancellationToken)
    {
        var resolver = new ContentResolver(fleet, bundles: null, new AddressPolicy(sources), time);
        var contents = await fleet.ListForAsync(cluster, cancellationToken);
        var sizes = new Dictionary<Digest, long>();
        foreach (var content in contents)
        {
            using var resolved = await resolver.ResolveAsync(content, former: null, cancellationToken);
            foreach (var entry in resolved.Entries)
            {
                var tree = await ContentTree.ReadAsync(entry.Source, entry.Root, new TreeOptions(WithAttached: true), cancellationToken);
                foreach (var part in tree.Blobs.Concat(tree.Manifests.Select(manifest => manifest.Descriptor)))
                    sizes[part.Digest] = part.Size;
            }
        }

        return (contents.Count, sizes.Values.Sum());
    }
}
