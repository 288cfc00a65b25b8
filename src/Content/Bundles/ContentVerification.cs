using System.Collections.Concurrent;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Bundles;

/// <summary>What came of verifying.</summary>
/// <param name="Content">What is there, in order.</param>
/// <param name="Blobs">Blobs whose bytes were read and are right.</param>
/// <param name="LeftOut">Blobs that an older bundle must bring, in the order of digests.</param>
/// <param name="Problems">One sentence for each thing that is missing, corrupt or contradictory; empty when all is well.</param>
public sealed record VerificationReport(IReadOnlyList<ContentSummary> Content, int Blobs, IReadOnlyList<Digest> LeftOut,
    IReadOnlyList<string> Problems);

/// <summary>Reads everything in a bundle, layout or archive, each blob once, and compares it with its digest.</summary>
public static class ContentVerification
{
    /// <summary>Lists what a source holds; blobs are not read, but for configurations.</summary>
    /// <exception cref="ContentException">A manifest is corrupt.</exception>
    public static async Task<IReadOnlyList<ContentSummary>> InspectAsync(INamedSource source, CancellationToken cancellationToken)
    {
        if (source is OciLayout { Lock: not null } bundle)
            return (await BundleLock.ReadAsync(bundle, cancellationToken)).Content;
        var content = new List<ContentSummary>();
        foreach (var name in source.Names)
        {
            var tree = await ContentTree.ReadAsync(source, name.Descriptor, new TreeOptions(), cancellationToken);
            content.Add(await ContentSummary.ReadAsync(source, name.Name?.ToString() ?? name.Label, tree, cancellationToken));
        }

        return content;
    }

    /// <summary>Verifies a source.</summary>
    /// <param name="source">The source.</param>
    /// <param name="workers">Blobs that are read at once, 1 or more.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<VerificationReport> RunAsync(INamedSource source, int workers, CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        var content = new List<ContentSummary>();
        var expected = await LockAsync(source, problems, cancellationToken);
        var blobs = new Dictionary<Digest, (Descriptor Blob, string Name)>();
        foreach (var name in source.Names)
        {
            var label = name.Name?.ToString() ?? name.Label ?? name.Descriptor.Digest.ToString();
            try
            {
                var tree = await ContentTree.ReadAsync(source, name.Descriptor, new TreeOptions(), cancellationToken);
                problems.AddRange(tree.MissingManifests.Select(missing => $"{label}: the manifest {missing.Digest} is missing."));
                foreach (var blob in tree.Blobs)
                    blobs.TryAdd(blob.Digest, (blob, label));
                content.Add(await ContentSummary.ReadAsync(source, label, tree, cancellationToken));
            }
            catch (ContentException exception)
            {
                problems.Add($"{label}: {exception.Message}");
            }
        }

        Compare(expected, content, problems);
        var leftOut = blobs.Keys.Where(digest => expected?.LeftOut.ContainsKey(digest) == true)
            .OrderBy(digest => digest.ToString(), StringComparer.Ordinal).ToList();
        var read = blobs.Values.ExceptBy(leftOut, blob => blob.Blob.Digest).ToList();
        problems.AddRange(await ReadBlobsAsync(source, read, workers, cancellationToken));
        return new VerificationReport(content, read.Count, leftOut, problems);
    }

    private static async Task<BundleLock?> LockAsync(INamedSource source, List<string> problems, CancellationToken cancellationToken)
    {
        try
        {
            return source is OciLayout { Lock: not null } bundle ? await BundleLock.ReadAsync(bundle, cancellationToken) : null;
        }
        catch (ContentException exception)
        {
            problems.Add(exception.Message);
            return null;
        }
    }

    private static void Compare(BundleLock? expected, List<ContentSummary> content, List<string> problems)
    {
        foreach (var entry in expected?.Content ?? [])
        {
            var actual = content.Find(found => found.Name == entry.Name);
            if (actual is null && !problems.Exists(problem => problem.StartsWith($"{entry.Name}: ", StringComparison.Ordinal)))
                problems.Add($"{entry.Name} is in the lock and not in the index.");
            else if (actual is not null && actual.Digest != entry.Digest)
                problems.Add($"{entry.Name} has the digest {actual.Digest}, and the lock says {entry.Digest}.");
        }

        if (expected is not null)
            problems.AddRange(content.Where(found => !expected.Content.Any(entry => entry.Name == found.Name))
                .Select(found => $"{found.Name} is in the index and not in the lock."));
    }

    private static async Task<IEnumerable<string>> ReadBlobsAsync(
        IContentSource source, List<(Descriptor Blob, string Name)> blobs, int workers, CancellationToken cancellationToken)
    {
        var problems = new ConcurrentBag<string>();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, workers), CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(blobs, parallel, async (blob, token) =>
        {
            try
            {
                await using var reader = new BlobReader(source, blob.Blob, RetryPolicy.Default with { Attempts = 1 }, TimeProvider.System);
                var buffer = new byte[256 << 10];
                while (await reader.ReadAsync(buffer, token) > 0)
                {
                }
            }
            catch (ContentException exception)
            {
                problems.Add($"{blob.Name}: {exception.Message}");
            }
        });
        return problems.Order(StringComparer.Ordinal);
    }
}
