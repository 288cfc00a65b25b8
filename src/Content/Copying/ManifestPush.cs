using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Copying;

/// <summary>Writes manifests whose blobs are there, those that others need first, and tags after all of them.</summary>
internal sealed class ManifestPush(RegistryClient target) : IDisposable
{
    private readonly SemaphoreSlim _lists = new(1);
    private int _count;

    /// <summary>Manifests and tags that were written.</summary>
    public int Count => _count;

    public async Task PushAsync(PlannedItem item, CancellationToken cancellationToken)
    {
        var repository = item.Item.Repository;
        foreach (var manifest in item.Tree.Manifests)
        {
            await PutAsync(repository, manifest.Descriptor.Digest.ToString(), manifest, cancellationToken);
            if (manifest.Subject is { } subject)
                await ListAsync(repository, subject.Digest, manifest, cancellationToken);
        }

        foreach (var attached in item.Tree.Attached.Where(attached => attached.Tag is not null))
            await PutAsync(repository, attached.Tag!, Find(item.Tree, attached.Descriptor), cancellationToken);
        if (item.Item.Tag is { } tag)
            await PutAsync(repository, tag, Find(item.Tree, item.Item.Root), cancellationToken);
    }

    public void Dispose() => _lists.Dispose();

    private async Task PutAsync(string repository, string selector, Manifest manifest, CancellationToken cancellationToken)
    {
        if ((await target.ResolveAsync(repository, selector, cancellationToken))?.Digest == manifest.Descriptor.Digest)
            return;
        await target.PutManifestAsync(repository, selector, manifest, cancellationToken);
        Interlocked.Increment(ref _count);
    }

    // A registry with the referrers API lists it by itself; elsewhere the list is read, changed and written, one at a time.
    private async Task ListAsync(string repository, Digest subject, Manifest manifest, CancellationToken cancellationToken)
    {
        await _lists.WaitAsync(cancellationToken);
        try
        {
            var known = await target.ReferrersAsync(repository, subject, cancellationToken);
            if (known.Any(entry => entry.Digest == manifest.Descriptor.Digest))
                return;
            var entry = manifest.Descriptor with { ArtifactType = manifest.ArtifactType
                ?? manifest.Config?.MediaType, Annotations = manifest.Annotations };
            await Referrers.KeepListAsync(target, repository, subject, [entry], cancellationToken);
            Interlocked.Increment(ref _count);
        }
        finally
        {
            _lists.Release();
        }
    }

    private static Manifest Find(ContentTree tree, Descriptor wanted) =>
        tree.Manifests.First(manifest => manifest.Descriptor.Digest == wanted.Digest);
}
