using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>
/// Fills one registry: copies what is missing, removes the tags that left the lock, looks for all of it, and writes the lock last. An
/// interruption at any moment leaves a registry without the new lock, never a lock without what it names.
/// </summary>
/// <param name="target">The registry.</param>
/// <param name="streams">Blobs that are sent at once.</param>
/// <param name="statistics">Counts.</param>
internal sealed class ContentFill(RegistryTarget target, int streams, SyncStatistics statistics)
{
    /// <summary>Images whose manifests are in memory at once: some 20 KB each, and fewer images where they have more.</summary>
    private const int GroupSize = 64;

    /// <summary>Six times what such a group has. A tenant names the source, and many registries may be filled from it at once.</summary>
    private const long LargestManifests = 8 << 20;

    /// <summary>Whether anything was written so far.</summary>
    public bool HasWritten { get; private set; }

    /// <summary>Fills it with one content.</summary>
    /// <param name="content">The content.</param>
    /// <param name="others">The other contents of the Cluster, when tags that left the lock are removed; null when they stay.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Why it is not complete, as a sentence; null when it is.</returns>
    public async Task<string?> RunAsync(
        ResolvedContent content, IReadOnlyList<OtherContent>? others, CancellationToken cancellationToken)
    {
        try
        {
            var places = ContentPlaces.Map(content.Named, target.Rule);
            if (places.ToList().FindIndex(place => place.Repository == ContentArtifact.Repository) is var index and >= 0)
                return $"{content.Entries[index].Label} would lie in {ContentArtifact.Repository}, where the registry keeps its locks: "
                    + "leave it out.";
            if (await CopyAsync(ContentPlaces.ToCopy(content.Entries, places), cancellationToken) is { } failure)
                return failure;
            if (others is not null)
                await new TagPruning(target).RunAsync(content, places, others, cancellationToken);
            // Meanwhile a volume may have been lost, or somebody may have removed what no lock listed yet.
            var expected = ContentPlaces.ToExpect(content.Named, places);
            if (await VerifyAsync(expected, cancellationToken) is { } missing)
                return missing;
            // A volume that is lost from now on takes the lock too, and one that was lost just now had everything.
            return await CopyAsync([content.Artifact], cancellationToken) ?? await VerifyAsync(expected.Take(1), cancellationToken);
        }
        catch (Exception exception) when (Fault.Is(exception) && !cancellationToken.IsCancellationRequested)
        {
            return Fault.Describe(exception);
        }
    }

    private async Task<string?> CopyAsync(IReadOnlyList<CopyItem> items, CancellationToken cancellationToken)
    {
        var report = await ContentCopy.RunAsync(target.Client, items, new CopyOptions
        {
            Workers = streams, GroupSize = GroupSize, LargestManifests = LargestManifests,
        }, cancellationToken);
        statistics.Sent(report.BytesSent);
        HasWritten |= report is not { BytesSent: 0, ManifestsSent: 0, BlobsMounted: 0 };
        return Describe(report.Failures);
    }

    private async Task<string?> VerifyAsync(IEnumerable<ExpectedContent> expected, CancellationToken cancellationToken) =>
        await RegistryVerification.RunAsync(target.Client, [.. expected], streams, cancellationToken) is { Count: > 0 } missing
            ? $"Not everything is in the registry after it was filled: {Describe(missing)}" : null;

    private static string? Describe(IReadOnlyList<CopyFailure> failures) => failures is not [var first, ..] ? null
        : $"{first.Label}{(failures.Count > 1 ? $" and {failures.Count - 1} more" : "")}: {first.Reason}";
}
