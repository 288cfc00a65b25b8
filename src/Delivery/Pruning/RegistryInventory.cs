using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Pruning;

/// <summary>What a repository holds under tags, on all replicas together: they may differ for a moment.</summary>
/// <param name="Name">The repository.</param>
/// <param name="Tags">Each tag with what it stands for on the replicas, mostly one digest.</param>
/// <param name="Roots">Each digest that has a tag, with a replica that has it.</param>
internal sealed record RepositoryInventory(
    string Name, IReadOnlyDictionary<string, HashSet<Digest>> Tags,
    IReadOnlyDictionary<Digest, (Descriptor Root, RegistryReplica Replica)> Roots);

/// <summary>Reads what a registry holds, tag by tag, from every replica.</summary>
internal static class RegistryInventory
{
    private const int AtOnce = 8;

    /// <summary>Beyond it something is wrong: a registry of this size is not a cluster's.</summary>
    private const int MostNames = 100_000;

    /// <summary>The repositories in order.</summary>
    /// <exception cref="ContentException">A replica can't be read; to go on without it would forget what it has.</exception>
    public static async Task<IReadOnlyList<RepositoryInventory>> ReadAsync(RegistryTarget target, CancellationToken cancellationToken)
    {
        var repositories = new SortedDictionary<string, Builder>(StringComparer.Ordinal);
        var count = 0;
        foreach (var replica in target.Replicas.OrderBy(replica => replica == target.Primary ? 0 : 1))
        {
            // A list may lack entries, and what a lock lists that is not seen would count as unneeded.
            var names = replica.Client.RepositoriesAsync(cancellationToken)
                .Where(name => name != ContentArtifact.Repository).Prepend(ContentArtifact.Repository);
            await foreach (var repository in names)
            {
                if (!repositories.TryGetValue(repository, out var builder))
                    repositories[repository] = builder = new Builder();
                var tags = new List<string>();
                count++;
                await foreach (var tag in replica.Client.TagsAsync(repository, cancellationToken).Where(ReferenceGrammar.IsTag))
                {
                    tags.Add(tag);
                    Check(++count);
                }

                Check(count);
                await Parallel.ForEachAsync(tags, Parallelism(cancellationToken), async (tag, token) =>
                {
                    if (await replica.Client.ResolveAsync(repository, tag, token) is { } root)
                        builder.Add(tag, root, replica);
                });
            }
        }

        return [.. repositories.Select(pair => pair.Value.Build(pair.Key))];
    }

    private static void Check(int names)
    {
        if (names > MostNames)
            throw new DeliveryException($"The replicas of the registry have more than {MostNames} repositories and tags.");
    }

    internal static ParallelOptions Parallelism(CancellationToken cancellationToken) =>
        new() { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken };

    /// <summary>The manifest that a tag belongs to, as cosign's tags and the lists of referrers do; null for content.</summary>
    internal static Digest? SubjectOf(string tag) => LayoutNames.SubjectOf(tag)
        ?? (tag.IndexOf('-', StringComparison.Ordinal) is var dash and > 0
            && Digest.TryParse($"{tag[..dash]}:{tag[(dash + 1)..]}", out var subject) ? subject : null);

    private sealed class Builder
    {
        private readonly Lock _gate = new();
        private readonly SortedDictionary<string, HashSet<Digest>> _tags = new(StringComparer.Ordinal);
        private readonly Dictionary<Digest, (Descriptor Root, RegistryReplica Replica)> _roots = [];

        public void Add(string tag, Descriptor root, RegistryReplica replica)
        {
            lock (_gate)
            {
                if (!_tags.TryGetValue(tag, out var digests))
                    _tags[tag] = digests = [];
                digests.Add(root.Digest);
                _roots.TryAdd(root.Digest, (root, replica));
            }
        }

        public RepositoryInventory Build(string name) => new(name, _tags, _roots);
    }
}
