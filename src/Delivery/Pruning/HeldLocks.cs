using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Pruning;

/// <summary>The locks that a registry holds of itself: what RegistryContents have declared for it.</summary>
internal static class HeldLocks
{
    /// <summary>Adds what they list, from all replicas.</summary>
    /// <exception cref="ContentException">One can't be read: what it keeps is not known, so nothing may go.</exception>
    public static async Task AddAsync(
        IReadOnlyList<RepositoryInventory> inventory, NeededContent needed, CancellationToken cancellationToken)
    {
        var held = inventory.FirstOrDefault(repository => repository.Name == ContentArtifact.Repository);
        foreach (var (root, replica) in held?.Roots.Values ?? [])
        {
            var manifest = await replica.Client.GetManifestAsync(ContentArtifact.Repository, root.Digest.ToString(), cancellationToken);
            if (manifest?.Layers is not [{ Size: <= LockText.LargestSize } layer])
                throw new ContentException($"{ContentArtifact.Repository}@{root.Digest} is not a lock that can be read.");
            var text = await LockText.ReadAsync(new RegistrySource(replica.Client, ContentArtifact.Repository), layer, cancellationToken);
            foreach (var (name, digest) in LockText.ReadEntries(text, $"{ContentArtifact.Repository}@{root.Digest}"))
                needed.Add(name, digest, KeepReason.Lock);
        }
    }
}
