using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Delivery.Reading;

/// <summary>Checks that registries have what a lock or a bundle lists, on every replica, down to each blob.</summary>
public static class ReplicaCheck
{
    /// <summary>Names of a replica that are looked at at once.</summary>
    private const int Workers = 8;

    /// <summary>What a lock file, or the lock of a bundle, says has to be there.</summary>
    /// <exception cref="ContentException">It is not a lock or bundle, or damaged.</exception>
    public static async Task<IReadOnlyList<ContentPlaces.Named>> ReadLockAsync(string path, CancellationToken cancellationToken)
    {
        var content = await IsLockAsync(path, cancellationToken)
            ? BundleLock.Parse(await File.ReadAllBytesAsync(path, cancellationToken))
            : await ReadBundleAsync(path, cancellationToken);
        return [.. content.Content.Select(entry => new ContentPlaces.Named(
            entry.Name ?? throw new ContentException($"{path} lists content without a name, {entry.Digest}."),
            Reference.Parse(entry.Name), Place: null, entry.Digest, IsImage: entry.Kind != ContentKind.Chart))];
    }

    /// <summary>Looks for everything on every replica.</summary>
    /// <param name="target">The registry.</param>
    /// <param name="content">What should be there.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>What is missing, replica by replica, in order.</returns>
    public static async Task<IReadOnlyList<MissingContent>> RunAsync(
        RegistryTarget target, IReadOnlyList<ContentPlaces.Named> content, CancellationToken cancellationToken)
    {
        var expected = ContentPlaces.ToExpect(content, ContentPlaces.Map(content, target.Rule));
        var found = await Task.WhenAll(target.Replicas.Select(replica => CheckAsync(replica, expected, cancellationToken)));
        return [.. found.SelectMany(missing => missing)];
    }

    private static async Task<IReadOnlyList<MissingContent>> CheckAsync(
        RegistryReplica replica, IReadOnlyList<ExpectedContent> expected, CancellationToken cancellationToken)
    {
        try
        {
            // One refusal instead of one for each name.
            await replica.Client.PingAsync(cancellationToken);
            return [.. (await RegistryVerification.RunAsync(replica.Client, expected, Workers, cancellationToken))
                .Select(failure => new MissingContent(replica.Name, failure.Label, failure.Reason))];
        }
        catch (Exception exception) when (Fault.Is(exception))
        {
            return [new MissingContent(replica.Name, Label: null, Fault.Describe(exception))];
        }
    }

    private static async Task<bool> IsLockAsync(string path, CancellationToken cancellationToken)
    {
        if (Directory.Exists(path))
            return false;
        var file = new FileInfo(path);
        if (!file.Exists)
            throw new ContentException($"There is no file {path}.");
        await using var stream = file.OpenRead();
        var first = new byte[1];
        var isLock = await stream.ReadAsync(first, cancellationToken) == 1 && first[0] == '{';
        return !isLock || file.Length <= BundleLock.LargestSize ? isLock
            : throw new ContentException($"{path} is larger than {BundleLock.LargestSize >> 20} MiB, more than a lock may have.");
    }

    private static async Task<BundleLock> ReadBundleAsync(string path, CancellationToken cancellationToken)
    {
        using var source = await ContentArchive.OpenAsync(path, cancellationToken);
        return source is OciLayout bundle ? await BundleLock.ReadAsync(bundle, cancellationToken)
            : throw new ContentException($"{path} is not a bundle: it has no lock.");
    }
}

/// <summary>Something that a replica lacks.</summary>
/// <param name="Replica">The replica.</param>
/// <param name="Label">What it lacks; null when the replica can't be asked.</param>
/// <param name="Reason">Why it counts as missing, one sentence.</param>
public sealed record MissingContent(string Replica, string? Label, string Reason);
