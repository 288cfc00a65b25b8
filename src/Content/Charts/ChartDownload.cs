using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Charts;

/// <summary>Reads a chart out of a registry into a file, for Helm.</summary>
public static class ChartDownload
{
    private const int LargestArchive = 100 << 20;
    private const int MostTags = 10_000;

    /// <summary>The tag of the newest release in a repository; null when there is none.</summary>
    public static async Task<string?> FindNewestAsync(RegistryClient registry, string repository, CancellationToken cancellationToken)
    {
        var tags = await registry.TagsAsync(repository, cancellationToken).Take(MostTags).ToListAsync(cancellationToken);
        return tags.Where(tag => char.IsAsciiDigit(tag[0]) && !ChartVersion.IsPrerelease(tag.Replace('_', '+')))
            .MaxBy(tag => tag.Replace('_', '+'), ChartVersion.Order);
    }

    /// <summary>Writes the chart's archive, verified by digest.</summary>
    /// <param name="source">Where the chart is.</param>
    /// <param name="root">Its manifest.</param>
    /// <param name="name">What it is called in messages.</param>
    /// <param name="path">The file to write; it must not exist.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ContentException">It is not a chart, or damaged.</exception>
    public static async Task RunAsync(
        IContentSource source, Descriptor root, string name, string path, TimeProvider time, CancellationToken cancellationToken)
    {
        var bytes = await source.ReadManifestAsync(root, cancellationToken)
            ?? throw new ContentException($"The chart {name} does not exist.");
        if (!root.Digest.Matches(bytes.Span))
            throw new ContentException($"The manifest of the chart {name} does not have the digest {root.Digest}.");
        var layers = Manifest.Parse(bytes, root).Layers.Where(layer => layer.MediaType == MediaTypes.HelmChart).ToList();
        if (layers is not [{ Size: <= LargestArchive } archive])
            throw new ContentException(
                $"{name} is not a chart: it does not have one layer with a chart of at most {LargestArchive >> 20} MiB.");
        await using var reader = new BlobReader(source, archive, RetryPolicy.Default, time);
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        var buffer = new byte[1 << 16];
        for (int read; (read = await reader.ReadAsync(buffer, cancellationToken)) > 0;)
            await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
    }
}
