using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;

namespace CapiRegistryHook.Content.Collecting;

/// <summary>
/// Everything that a registry has under a tag, as items of a bundle: a backup. What belongs to other content comes along with it.
/// </summary>
public static class RegistryBackup
{
    /// <summary>Lists the content; nothing is copied yet. Tags that go away meanwhile are left out.</summary>
    /// <param name="registry">The registry.</param>
    /// <param name="rule">Where its nodes look, which says what images were called upstream.</param>
    /// <param name="host">The host that content without an upstream is named after.</param>
    /// <param name="why">Where the wish for it came from.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <exception cref="ContentException">The registry can't be asked.</exception>
    public static async Task<IReadOnlyList<BundleItem>> ReadAsync(
        RegistryClient registry, MirrorRule rule, string host, string why, CancellationToken cancellationToken)
    {
        var items = new List<BundleItem>();
        await foreach (var repository in registry.RepositoriesAsync(cancellationToken))
        {
            var source = new RegistrySource(registry, repository);
            await foreach (var tag in registry.TagsAsync(repository, cancellationToken))
            {
                if (!RegistryListing.IsContent(tag) || LayoutNames.SubjectOf(tag) is not null
                    || await registry.ResolveAsync(repository, tag, cancellationToken) is not { } root)
                    continue;
                items.Add(new BundleItem(NameOf(repository, tag, rule, host), source, root) { Why = [why] });
            }
        }

        return items;
    }

    private static Reference NameOf(string repository, string tag, MirrorRule rule, string host)
    {
        var upstream = rule.Upstreams?.FirstOrDefault(upstream => repository.StartsWith(
            upstream.Replace(':', '_') + "/", StringComparison.OrdinalIgnoreCase));
        return upstream is null ? Reference.Create(host, repository, tag)
            : Reference.Create(upstream, repository[(upstream.Length + 1)..], tag);
    }
}
