namespace CapiRegistryHook.Registry.Chart;

/// <summary>
/// The versions of the registry chart that this program serves: its own, and the released ones before it. The add-on provider fetches the
/// chart of an installed release again and again, so a registry that keeps an earlier version for a while needs that version to be there.
/// </summary>
public sealed class ServedCharts
{
    private const string ReleasedPrefix = "released/";

    private static readonly Lazy<ServedCharts> LazyOurs = new(() => new ServedCharts(OciChart.Shipped, Released()));

    private readonly List<OciChart> _charts;

    /// <param name="shipped">The chart of this build; it counts where a released one has the same version.</param>
    /// <param name="released">Charts of earlier releases.</param>
    internal ServedCharts(OciChart shipped, IEnumerable<OciChart> released) =>
        _charts = [shipped, .. released.Where(chart => chart.Name == shipped.Name && chart.Tag != shipped.Tag)];

    /// <summary>Those of this program; read when they are first asked for.</summary>
    public static ServedCharts Ours => LazyOurs.Value;

    /// <summary>The chart's name, the same for all.</summary>
    public string Name => _charts[0].Name;

    /// <summary>The tags after one, in the order of the OCI distribution specification, which is by their bytes.</summary>
    /// <param name="last">The tag before the first one; empty for none.</param>
    /// <param name="most">At most so many; null for all.</param>
    public IEnumerable<string> Tags(string last, int? most) => _charts.Select(chart => chart.Tag)
        .Where(tag => string.CompareOrdinal(tag, last) > 0).Order(StringComparer.Ordinal).Take(most ?? int.MaxValue);

    /// <summary>A manifest by its tag or its digest; null for any other reference.</summary>
    public OciContent? FindManifest(string reference) =>
        _charts.Select(chart => chart.FindManifest(reference)).FirstOrDefault(manifest => manifest is not null);

    /// <summary>A blob by its digest; null when there is none.</summary>
    public OciContent? FindBlob(string digest) =>
        _charts.Select(chart => chart.FindBlob(digest)).FirstOrDefault(blob => blob is not null);

    /// <summary>Archives as they were served when they were current, byte for byte: their digests may be written down somewhere.</summary>
    private static IEnumerable<OciChart> Released()
    {
        var assembly = typeof(ServedCharts).Assembly;
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(ReleasedPrefix, StringComparison.Ordinal))
            .Select(name => OciChart.Read(ChartFile.Read(assembly.GetManifestResourceStream(name)!)));
    }
}
