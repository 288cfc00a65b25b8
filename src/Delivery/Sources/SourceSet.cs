using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Delivery.Sources;

/// <summary>Several open sources as one. It frees them.</summary>
public sealed class SourceSet : IDisposable
{
    private readonly List<DeliverySource> _sources;

    private SourceSet(List<DeliverySource> sources, IReadOnlyList<SourceEntry> entries)
    {
        _sources = sources;
        Entries = entries;
    }

    /// <summary>What is in them, each label once.</summary>
    public IReadOnlyList<SourceEntry> Entries { get; }

    /// <summary>Opens all of them, or none.</summary>
    /// <param name="texts">What <see cref="DeliverySource.OpenAsync"/> takes.</param>
    /// <param name="registries">The registries of references; they have to live as long as the sources.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="DeliveryException">One can't be used, or two have different content under one name.</exception>
    public static async Task<SourceSet> OpenAsync(
        IReadOnlyList<string> texts, UpstreamRegistries registries, CancellationToken cancellationToken)
    {
        var sources = new List<DeliverySource>();
        try
        {
            foreach (var text in texts)
                sources.Add(await DeliverySource.OpenAsync(text, registries, cancellationToken));
            return new SourceSet(sources, Distinct(sources.SelectMany(source => source.Entries)));
        }
        catch
        {
            sources.ForEach(source => source.Dispose());
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _sources.ForEach(source => source.Dispose());

    /// <summary>Entries with each label once.</summary>
    /// <exception cref="DeliveryException">Two have different content under one name.</exception>
    internal static IReadOnlyList<SourceEntry> Distinct(IEnumerable<SourceEntry> entries) =>
        [.. entries.GroupBy(entry => entry.Label).Select(Only)];

    private static SourceEntry Only(IGrouping<string, SourceEntry> same) => same.DistinctBy(entry => entry.Root.Digest).Count() == 1
        ? same.First()
        : throw new DeliveryException($"The sources have different content under the name {same.Key}: "
            + $"{string.Join(" and ", same.Select(entry => entry.Root.Digest).Distinct().Take(2))}.");
}
