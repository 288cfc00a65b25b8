using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Registries;

/// <summary>A repository of a registry as a source of content.</summary>
/// <param name="client">The registry.</param>
/// <param name="repository">The repository in it.</param>
public sealed class RegistrySource(RegistryClient client, string repository) : IContentSource
{
    /// <inheritdoc/>
    public string Location => $"{client.Name}/{repository}";

    /// <inheritdoc/>
    public async Task<ReadOnlyMemory<byte>?> ReadManifestAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        (await client.GetManifestAsync(repository, descriptor.Digest.ToString(), cancellationToken))?.Bytes;

    /// <inheritdoc/>
    public Task<Stream?> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken) =>
        client.OpenBlobAsync(repository, descriptor.Digest, offset, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> HasBlobAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        client.HasBlobAsync(repository, descriptor.Digest, cancellationToken);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<AttachedContent>> AttachedToAsync(Digest subject, CancellationToken cancellationToken)
    {
        var attached = (await client.ReferrersAsync(repository, subject, cancellationToken))
            .Select(entry => new AttachedContent(entry with { Annotations = Descriptor.NoAnnotations }, Tag: null)).ToList();
        foreach (var tag in LayoutNames.CosignTags(subject).Where(ReferenceGrammar.IsTag))
        {
            if (await client.ResolveAsync(repository, tag, cancellationToken) is { } signed)
                attached.Add(new AttachedContent(signed, tag));
        }

        return attached;
    }
}
