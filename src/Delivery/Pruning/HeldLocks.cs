using System.Text.Json;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Pruning;

/// <summary>The locks that a registry holds of itself: what RegistryContents have declared for it.</summary>
internal static class HeldLocks
{
    private const int LargestSize = 16 << 20;

    /// <summary>Adds what they list, from all replicas.</summary>
    /// <exception cref="ContentException">One can't be read: what it keeps is not known, so nothing may go.</exception>
    public static async Task AddAsync(
        IReadOnlyList<RepositoryInventory> inventory, NeededContent needed, CancellationToken cancellationToken)
    {
        var held = inventory.FirstOrDefault(repository => repository.Name == ContentArtifact.Repository);
        foreach (var (root, replica) in held?.Roots.Values ?? [])
        {
            var manifest = await replica.Client.GetManifestAsync(ContentArtifact.Repository, root.Digest.ToString(), cancellationToken);
            if (manifest?.Layers is not [{ Size: <= LargestSize } layer])
                throw new ContentException($"{ContentArtifact.Repository}@{root.Digest} is not a lock that can be read.");
            var source = new RegistrySource(replica.Client, ContentArtifact.Repository);
            await using var reader = new BlobReader(source, layer, RetryPolicy.Default, TimeProvider.System);
            var bytes = new byte[layer.Size];
            for (int read, offset = 0; (read = await reader.ReadAsync(bytes.AsMemory(offset), cancellationToken)) > 0; offset += read)
            {
            }

            Add(bytes, needed, root.Digest);
        }
    }

    private static void Add(byte[] json, NeededContent needed, Digest digest)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            foreach (var entry in document.RootElement.GetProperty("content").EnumerateArray())
                needed.Add(Reference.Parse(entry.GetProperty("name").GetString()!),
                    Digest.Parse(entry.GetProperty("digest").GetString()!), KeepReason.Lock);
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new ContentException($"{ContentArtifact.Repository}@{digest} is not a lock that can be read.", exception);
        }
    }
}
