using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Chart;

namespace CapiRegistryHook.Packaging.Releases;

/// <summary>Both charts as archives: same files, same bytes.</summary>
internal static class ReleaseCharts
{
    private const string DefaultRegistry = "registry.example.com";

    /// <summary>The registry chart, byte for byte as the service serves it.</summary>
    public static byte[] Registry()
    {
        var chart = OciChart.Shipped;
        var manifest = JsonNode.Parse(chart.FindManifest(chart.Tag)!.Bytes.Span)!;
        return chart.FindBlob((string)manifest["layers"]![0]!["digest"]!)!.Bytes.ToArray();
    }

    /// <summary>The service's chart, with the registry that its image is pushed to.</summary>
    /// <param name="folder">The chart's folder.</param>
    /// <param name="registry">The registry in the image's name.</param>
    public static byte[] Service(string folder, string registry)
    {
        var ignored = File.ReadAllLines(Path.Combine(folder, ".helmignore")).Select(line => line.Trim().TrimEnd('/'))
            .Where(line => line.Length > 0 && line[0] != '#').ToHashSet(StringComparer.Ordinal);
        var files = Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file))
            .Where(file => !ignored.Contains(file.Split('/')[0]))
            .Select(file => new ChartFile(file, Content(Path.Combine(folder, file), file, registry)));
        return ChartArchive.Pack(Path.GetFileName(folder), files);
    }

    private static byte[] Content(string path, string file, string registry)
    {
        var content = File.ReadAllBytes(path);
        return file is "values.yaml" or "README.md"
            ? Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(content).Replace(DefaultRegistry, registry, StringComparison.Ordinal))
            : content;
    }
}
