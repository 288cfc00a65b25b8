using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Delivery.Reading;

/// <summary>Saves content of a registry into an archive that <c>push</c> and skopeo read.</summary>
public static class ContentSave
{
    /// <summary>What goes into the archive.</summary>
    /// <exception cref="DeliveryException">A name is not in the registry.</exception>
    public static async Task<IReadOnlyList<BundleItem>> FindAsync(
        RegistryTarget target, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var items = new List<BundleItem>();
        foreach (var name in names.Select(text => ContentName.Resolve(text, target.Rule)))
        {
            var root = await target.Client.ResolveAsync(name.Repository, name.Selector, cancellationToken)
                ?? throw new DeliveryException($"{name.Text} is not in the registry of {target.Name}: it has no "
                    + $"{name.Repository}{(name.Digest is null ? ":" : "@")}{name.Selector}.");
            items.Add(new BundleItem(name.SavedAs, new RegistrySource(target.Client, name.Repository), root));
        }

        return items;
    }

    /// <summary>Everything that has a tag, in the registry's order.</summary>
    public static async Task<IReadOnlyList<string>> AllAsync(RegistryTarget target, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        await foreach (var repository in target.Client.RepositoriesAsync(cancellationToken))
        {
            await foreach (var tag in target.Client.TagsAsync(repository, cancellationToken))
                names.Add($"{repository}:{tag}");
        }

        return names;
    }
}
