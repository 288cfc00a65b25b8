using System.Text.Json;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>What has to hold at every moment, whatever was interrupted.</summary>
internal static class SyncInvariants
{
    /// <summary>Every tag has its blobs, and the lock, if it is there, names only what is.</summary>
    /// <returns>Whether the lock is there.</returns>
    public static async Task<bool> CheckAsync(RealRegistry registry, string tag, CancellationToken cancellationToken)
    {
        // The lock first: what it names was there before it.
        var @lock = await registry.Client.GetManifestAsync(ContentArtifact.Repository, tag, cancellationToken);
        var expected = new List<ExpectedContent>();
        if (@lock is not null)
        {
            await using var blob = await registry.Client.OpenBlobAsync(
                ContentArtifact.Repository, @lock.Layers[0].Digest, 0, cancellationToken);
            using var json = await JsonDocument.ParseAsync(blob!, default, cancellationToken);
            foreach (var entry in json.RootElement.GetProperty("content").EnumerateArray())
            {
                var name = Reference.Parse(entry.GetProperty("name").GetString()!);
                expected.Add(new ExpectedContent(
                    name.ToString(), name.Repository, Tag: null, Digest.Parse(entry.GetProperty("digest").GetString()!)));
            }
        }

        await foreach (var repository in registry.Client.RepositoriesAsync(cancellationToken))
        {
            await foreach (var each in registry.Client.TagsAsync(repository, cancellationToken))
            {
                if (await registry.Client.ResolveAsync(repository, each, cancellationToken) is { } root)
                    expected.Add(new ExpectedContent($"{repository}:{each}", repository, Tag: null, root.Digest));
            }
        }

        Assert.Empty(await RegistryVerification.RunAsync(registry.Client, expected, 4, cancellationToken));
        return @lock is not null;
    }
}
