using System.Net;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Registries;

/// <summary>
/// Removes a tag. Registries that remove manifests only, such as Distribution 2.8, lose the manifest with it, so there it has to be
/// certain that nothing else needs that.
/// </summary>
internal sealed class TagRemoval(RegistryClient client, string repository)
{
    /// <summary>Removes it.</summary>
    /// <param name="tag">The tag.</param>
    /// <param name="needed">Digests in the repository that have to stay whole, whether they have a tag or not.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>False when it was not there.</returns>
    public async Task<bool> RunAsync(string tag, IEnumerable<Digest> needed, CancellationToken cancellationToken)
    {
        if (await client.ResolveAsync(repository, tag, cancellationToken) is not { } manifest)
            return false;
        try
        {
            return await client.DeleteManifestAsync(repository, tag, cancellationToken);
        }
        catch (RegistryException exception) when (exception.Status is HttpStatusCode.BadRequest || exception.Code is "UNSUPPORTED")
        {
            foreach (var digest in needed)
                await CheckAsync(tag, manifest, $"@{digest}", digest.ToString(), cancellationToken);
            await foreach (var other in client.TagsAsync(repository, cancellationToken))
            {
                if (other != tag && ReferenceGrammar.IsTag(other))
                    await CheckAsync(tag, manifest, $":{other}", other, cancellationToken);
            }

            return await client.DeleteManifestAsync(repository, manifest.Digest.ToString(), cancellationToken);
        }
    }

    private async Task CheckAsync(
        string tag, Descriptor manifest, string name, string selector, CancellationToken cancellationToken)
    {
        if (await client.ResolveAsync(repository, selector, cancellationToken) is not { } other)
            return;
        if (other.Digest == manifest.Digest)
            throw InUse($"{client.Name} can't remove {repository}:{tag} alone, because {repository}{name} is the same manifest: "
                + $"remove {manifest.Digest}, and both are gone.");
        if (!MediaTypes.IsIndex(other.MediaType))
            return;
        var tree = await ContentTree.ReadAsync(
            new RegistrySource(client, repository), other, new TreeOptions(WithAttached: false), cancellationToken);
        if (tree.Manifests.Any(part => part.Descriptor.Digest == manifest.Digest))
            throw InUse($"{client.Name} can't remove {repository}:{tag} alone, because its manifest {manifest.Digest} is a part of "
                + $"{repository}{name}: remove that first.");
    }

    private static RegistryException InUse(string message) => new(message) { Code = RegistryException.InUse };
}
