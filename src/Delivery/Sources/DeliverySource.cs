using CapiRegistryHook.Content.Charts;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Delivery.Sources;

/// <summary>
/// An open source of content: a bundle, a layout, an archive, a chart, or a reference in another registry. It frees what it opened.
/// </summary>
public sealed class DeliverySource : IDisposable
{
    /// <summary>Where a chart from a file lies in a registry: the nodes never look for it, people and Helm do.</summary>
    public const string ChartsFolder = "charts";

    private readonly IDisposable? _opened;

    private DeliverySource(IReadOnlyList<SourceEntry> entries, IDisposable? opened = null)
    {
        Entries = entries;
        _opened = opened;
    }

    /// <summary>What is in it, in order; at least one.</summary>
    public IReadOnlyList<SourceEntry> Entries { get; }

    /// <summary>Opens a file, a folder, or a reference.</summary>
    /// <param name="text">The path of a bundle, layout, archive or chart (<c>.tgz</c> or folder), or an image reference.</param>
    /// <param name="registries">The registries of references; they have to live as long as the source.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="DeliveryException">There is no such file, or the content has no name.</exception>
    /// <exception cref="ContentException">It can't be read, or is damaged.</exception>
    public static async Task<DeliverySource> OpenAsync(string text, UpstreamRegistries registries, CancellationToken cancellationToken)
    {
        if (Directory.Exists(text) || File.Exists(text))
            return await OpenFileAsync(text, cancellationToken);
        if (LooksLikeAFile(text) || !Reference.TryParse(text, out var reference))
            throw new DeliveryException($"There is no file {text}, and it is not an image reference either.");
        return await OpenReferenceAsync(reference, registries, cancellationToken);
    }

    /// <summary>Opens a bundle, a layout, an archive or a chart.</summary>
    /// <param name="path">The file or folder, which has to exist.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="DeliveryException">The content has no name.</exception>
    /// <exception cref="ContentException">It can't be read, or is damaged.</exception>
    public static Task<DeliverySource> OpenFileAsync(string path, CancellationToken cancellationToken)
    {
        var isChart = Directory.Exists(path) ? File.Exists(Path.Combine(path, "Chart.yaml")) : ContentArchive.IsCompressed(path);
        return isChart ? Task.FromResult(OpenChart(path)) : OpenArchiveAsync(path, cancellationToken);
    }

    /// <summary>Where a chart from a file or folder goes.</summary>
    public static RegistryPlace PlaceOf(ChartSource chart) => new($"{ChartsFolder}/{chart.Name}", chart.Tag);

    /// <inheritdoc/>
    public void Dispose() => _opened?.Dispose();

    private static DeliverySource OpenChart(string path)
    {
        var chart = ChartSource.Open(path);
        return new DeliverySource([new SourceEntry($"{ChartsFolder}/{chart.Name}:{chart.Tag}", chart, chart.Root)
        {
            Place = PlaceOf(chart),
        }], chart);
    }

    private static async Task<DeliverySource> OpenArchiveAsync(string path, CancellationToken cancellationToken)
    {
        var archive = await ContentArchive.OpenAsync(path, cancellationToken);
        try
        {
            var entries = archive.Names.Select(named => named.Name is { } name ? new SourceEntry(name.ToString(), archive, named.Descriptor)
            {
                Name = name,
            } : throw new DeliveryException(
                $"{path} has content without a full name ({named.Label ?? named.Descriptor.Digest.ToString()}): "
                + "save it again under the name that manifests use, such as docker.io/library/nginx:1.27.")).ToList();
            return entries is not [] ? new DeliverySource(entries, archive) : throw new DeliveryException($"{path} holds nothing.");
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    private static async Task<DeliverySource> OpenReferenceAsync(
        Reference reference, UpstreamRegistries registries, CancellationToken cancellationToken)
    {
        var client = registries.Find(reference.Registry);
        var root = await client.ResolveAsync(reference.Repository, reference.Selector, cancellationToken)
            ?? throw new DeliveryException($"{reference} does not exist in its registry.");
        return new DeliverySource(
            [new SourceEntry(reference.ToString(), new RegistrySource(client, reference.Repository), root) { Name = reference }]);
    }

    private static bool LooksLikeAFile(string text) =>
        text.StartsWith('.') || text.StartsWith('/') || Path.GetExtension(text) is ".tar" or ".tgz" or ".json" or ".gz";
}
