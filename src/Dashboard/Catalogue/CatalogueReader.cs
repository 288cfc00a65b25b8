using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Dashboard.Model;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Dashboard.Catalogue;

/// <summary>
/// Reads what a registry has, in steps that are as small as what is on the screen: repositories, the tags of one, what some tags stand for.
/// </summary>
internal sealed class CatalogueReader(OpenRegistries registries)
{
    /// <summary>More than this is found by <c>list</c>; a registry may list any number.</summary>
    private const int MostRepositories = 5000;

    private const int MostTags = 10_000;
    private const int TagsAtOnce = 8;

    /// <summary>The repositories, in the registry's order.</summary>
    public Task<RepositoryList> RepositoriesAsync(ClusterKey cluster, CancellationToken cancellationToken) =>
        registries.UseAsync(cluster, async (target, token) =>
        {
            var (names, hasMore) = await TakeAsync(
                target.Client.RepositoriesAsync(token), ReferenceGrammar.IsRepository, MostRepositories, token);
            return new RepositoryList(names, hasMore);
        }, cancellationToken);

    /// <summary>The tags of a repository, in the registry's order.</summary>
    public Task<TagList> TagsAsync(ClusterKey cluster, string repository, CancellationToken cancellationToken) =>
        registries.UseAsync(cluster, async (target, token) =>
        {
            var (tags, hasMore) = await TakeAsync(
                target.Client.TagsAsync(Checked(repository), token), RegistryListing.IsContent, MostTags, token);
            return new TagList(tags, hasMore);
        }, cancellationToken);

    /// <summary>What tags of a repository stand for.</summary>
    public Task<ContentList> ContentAsync(
        ClusterKey cluster, string repository, IReadOnlyList<string> tags, CancellationToken cancellationToken) =>
        registries.UseAsync(cluster, (target, token) => ReadAsync(target, Checked(repository), tags, token), cancellationToken);

    private static async Task<ContentList> ReadAsync(
        RegistryTarget target, string repository, IReadOnlyList<string> tags, CancellationToken cancellationToken)
    {
        var rows = new ContentRow[tags.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = TagsAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(tags.Index(), options, async (entry, token) =>
        {
            var (index, tag) = entry;
            rows[index] = ReferenceGrammar.IsTag(tag)
                ? RowOf(await RegistryListing.ReadTagAsync(target.Client, repository, tag, token))
                : new ContentRow(tag) { Problem = "It is not a tag." };
        });
        return new ContentList(rows);
    }

    private static ContentRow RowOf(ListedContent listed) => listed.Content is { } content
        ? new ContentRow(listed.Tag)
        {
            Digest = content.Digest.ToString(), Kind = content.Kind.ToString(), Size = content.Size, Platforms = content.Platforms,
        }
        : new ContentRow(listed.Tag) { Problem = listed.Problem };

    private static string Checked(string repository) => ReferenceGrammar.IsRepository(repository) ? repository
        : throw new DeliveryException("The address names no repository.");

    private static async Task<(List<string> Names, bool HasMore)> TakeAsync(
        IAsyncEnumerable<string> names, Func<string, bool> isGood, int most, CancellationToken cancellationToken)
    {
        var taken = new List<string>();
        await foreach (var name in names.WithCancellation(cancellationToken))
        {
            if (taken.Count == most)
                return (taken, true);
            if (isGood(name))
                taken.Add(name);
        }

        return (taken, false);
    }
}
