namespace CapiRegistryHook.Registry.Chart;

/// <summary>One file of a Helm chart.</summary>
/// <param name="Path">The path below the chart's folder, with slashes, for example <c>templates/service.yaml</c>.</param>
/// <param name="Content">The bytes as they lie in the sources.</param>
internal sealed record ChartFile(string Path, byte[] Content)
{
    private const string ResourcePrefix = "chart/";

    /// <summary>The registry chart of this build, sorted by path.</summary>
    public static IReadOnlyList<ChartFile> Shipped()
    {
        var assembly = typeof(ChartFile).Assembly;
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name => new ChartFile(name[ResourcePrefix.Length..], Read(assembly.GetManifestResourceStream(name)!)))];
    }

    /// <summary>All of a stream, which is closed then.</summary>
    public static byte[] Read(Stream stream)
    {
        using (stream)
        {
            var content = new byte[stream.Length];
            stream.ReadExactly(content);
            return content;
        }
    }
}
