using System.Collections.Concurrent;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;

namespace CapiRegistryHook.Content.Mirroring;

/// <summary>An image as a cluster's registry has it, or why it has not.</summary>
/// <param name="Repository">Where nodes look for it; null when they look elsewhere.</param>
/// <param name="Digest">Its digest there; null when it is not there.</param>
/// <param name="Reason">Why it is not there; null when it is.</param>
public sealed record MirroredImage(string? Repository, Digest? Digest, string? Reason);

/// <summary>Looks images up in a cluster's registry, under the paths that nodes ask for.</summary>
public static class MirroredImages
{
    private const int Workers = 8;

    /// <summary>Looks up each image once.</summary>
    /// <param name="registry">The registry.</param>
    /// <param name="rule">Where nodes look.</param>
    /// <param name="address">The registry's own host, whose images lie by their path; null for none.</param>
    /// <param name="images">The images.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>An entry for each image.</returns>
    /// <exception cref="ContentException">The registry can't be asked.</exception>
    public static async Task<IReadOnlyDictionary<Reference, MirroredImage>> FindAsync(
        RegistryClient registry, MirrorRule rule, string? address, IEnumerable<Reference> images, CancellationToken cancellationToken)
    {
        var found = new ConcurrentDictionary<Reference, MirroredImage>();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(images.Distinct(), parallel, async (image, token) =>
        {
            if (PathOf(image, rule, address, out var reason) is not { } repository)
            {
                found[image] = new MirroredImage(null, null, reason);
                return;
            }

            var root = await registry.ResolveAsync(repository, image.Selector, token);
            found[image] = new MirroredImage(repository, root?.Digest,
                root is null ? $"{repository} in the registry has no {image.Selector}" : null);
        });
        return found;
    }

    private static string? PathOf(Reference image, MirrorRule rule, string? address, out string? reason)
    {
        reason = null;
        if (image.Registry == address)
            return image.Repository;
        try
        {
            return MirrorPaths.PathOf(image, rule);
        }
        catch (ContentException exception)
        {
            reason = exception.Message.TrimEnd('.');
            return null;
        }
    }
}
