using System.Collections.Concurrent;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Copying;

/// <summary>Something that a registry should have.</summary>
/// <param name="Label">What it is called in messages: its full name.</param>
/// <param name="Repository">Where it should be.</param>
/// <param name="Tag">The tag that should stand for it; null for none.</param>
/// <param name="Digest">The digest of its manifest or index.</param>
public sealed record ExpectedContent(string Label, string Repository, string? Tag, Digest Digest);

/// <summary>Checks that a registry has what a lock lists, down to each blob. A listing of the registry is not asked, since those can lack
/// entries.</summary>
public static class RegistryVerification
{
    /// <summary>Looks for everything.</summary>
    /// <param name="registry">The registry, or one replica of it.</param>
    /// <param name="expected">What should be there.</param>
    /// <param name="workers">Names that are looked at at once, 1 or more.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>One sentence for each name that is not complete, in the order given.</returns>
    public static async Task<IReadOnlyList<CopyFailure>> RunAsync(
        RegistryClient registry, IReadOnlyList<ExpectedContent> expected, int workers, CancellationToken cancellationToken)
    {
        var problems = new ConcurrentDictionary<int, string>();
        var known = new ConcurrentDictionary<(string Repository, Digest Digest), bool>();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, workers), CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(expected.Index(), parallel, async (entry, token) =>
        {
            if (await FindProblemAsync(registry, entry.Item, known, token) is { } problem)
                problems[entry.Index] = problem;
        });
        return [.. problems.OrderBy(pair => pair.Key).Select(pair => new CopyFailure(expected[pair.Key].Label, pair.Value))];
    }

    private static async Task<string?> FindProblemAsync(
        RegistryClient registry, ExpectedContent expected, ConcurrentDictionary<(string, Digest), bool> known,
            CancellationToken cancellationToken)
    {
        try
        {
            var repository = expected.Repository;
            if (expected.Tag is { } tag && (await registry.ResolveAsync(repository, tag, cancellationToken))?.Digest is var actual
                && actual != expected.Digest)
                return actual is null ? $"{repository}:{tag} is missing." : $"{repository}:{tag} is {actual} instead of {expected.Digest}.";
            if (await registry.ResolveAsync(repository, expected.Digest.ToString(), cancellationToken) is not { } root
                || root.Digest != expected.Digest)
                return $"{repository}@{expected.Digest} is missing.";
            var tree = await ContentTree.ReadAsync(new RegistrySource(registry, repository), root, new TreeOptions(WithAttached: false),
                cancellationToken);
            if (tree.MissingManifests is [var manifest, ..])
                return $"The manifest {manifest.Digest} is missing in {repository}.";
            return await MissingBlobAsync(registry, repository, tree.Blobs, known, cancellationToken) is { } blob
                ? $"The blob {blob.Digest} is missing in {repository}." : null;
        }
        catch (Exception exception) when (exception is ContentException or IOException or HttpRequestException)
        {
            return exception.Message;
        }
    }

    private static async Task<Descriptor?> MissingBlobAsync(
        RegistryClient registry, string repository, IReadOnlyList<Descriptor> blobs, ConcurrentDictionary<(string, Digest), bool> known,
            CancellationToken cancellationToken)
    {
        foreach (var blob in blobs)
        {
            if (!known.TryGetValue((repository, blob.Digest), out var isThere))
                known[(repository, blob.Digest)] = isThere = await registry.HasBlobAsync(repository, blob.Digest, cancellationToken);
            if (!isThere)
                return blob;
        }

        return null;
    }
}
