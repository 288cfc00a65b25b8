using System.IO.Compression;
using System.Text;
using CapiRegistryHook.Content.Archives;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Yaml;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Content.Charts;

/// <summary>What is read in a chart's archive: Chart.yaml and Images.lock. Bounded as Helm bounds it.</summary>
internal sealed record ChartFiles(
    string Name, string Version, byte[] Config, IReadOnlyDictionary<string, string> Annotations, IReadOnlyList<string> AnnotatedImages,
    IReadOnlyList<string> LockedImages)
{
    private const int LargestChart = 100 << 20;
    private const int LargestFile = 5 << 20;
    private const int LongestYaml = 1 << 20;

    /// <summary>Reads a compressed archive to its end.</summary>
    /// <exception cref="ContentException">It is not a chart, or one that is not safe to use.</exception>
    public static ChartFiles Read(Stream archive, string location)
    {
        var content = Unpack(archive, location);
        var index = TarIndex.Read((buffer, offset) => Copy(content, buffer, offset), content.Length, location);
        var path = index.Files.Where(file => file.Split('/') is [_, "Chart.yaml"]).ToList();
        if (path.Count != 1)
            throw new ContentException($"{location} is not a chart: it has "
                + $"{(path.Count == 0 ? "no Chart.yaml" : "more than one Chart.yaml")} in its first folder.");
        var folder = path[0][..path[0].IndexOf('/', StringComparison.Ordinal)];
        var chart = Yaml(index, content, path[0], location);
        var images = index.Find($"{folder}/Images.lock") is null ? null : Yaml(index, content, $"{folder}/Images.lock", location);
        return Read(chart, images, location);
    }

    private static ChartFiles Read(YamlMappingNode chart, YamlMappingNode? images, string location)
    {
        var (name, version) = (chart.Text("name") ?? "", chart.Text("version") ?? "");
        if (!ReferenceGrammar.IsRepository(name) || name.Contains('/', StringComparison.Ordinal)
            || !ReferenceGrammar.IsTag(version.Replace('+', '_')))
            throw new ContentException($"The Chart.yaml in {location} has no name and version that a registry could hold: "
                + $"'{Digest.Shorten(name)}', '{Digest.Shorten(version)}'.");
        var annotations = new Dictionary<string,
            string> { ["org.opencontainers.image.title"] = name, ["org.opencontainers.image.version"] = version };
        if (chart.Text("description") is { Length: > 0 } description)
            annotations["org.opencontainers.image.description"] = description;
        var listed = chart.Get("annotations").Text("artifacthub.io/images");
        var annotated = listed is null ? null : YamlText.Load(listed, $"The annotation artifacthub.io/images in {location}");
        return new ChartFiles(name, version, YamlJson.Write(chart), annotations, Images(annotated is [var root, ..] ? root : null),
            Images(images.Get("images")));
    }

    private static List<string> Images(YamlNode? list) =>
        [.. list.Items().Select(item => item.Text("image")).OfType<string>().Where(image => image.Length > 0)];

    private static YamlMappingNode Yaml(TarIndex index, byte[] content, string path, string location)
    {
        var file = index.Find(path)!.Value;
        if (file.Length > LargestFile)
            throw new ContentException($"{path} in {location} has {file.Length} bytes; at most {LargestFile} can be used.");
        var documents = YamlText.Load(Encoding.UTF8.GetString(content, (int)file.Offset, (int)file.Length), $"{path} in {location}",
            LongestYaml);
        return documents is [YamlMappingNode root] ? root : throw new ContentException($"{path} in {location} is not one YAML mapping.");
    }

    private static byte[] Unpack(Stream archive, string location)
    {
        try
        {
            using var gzip = new GZipStream(archive, CompressionMode.Decompress);
            using var content = new MemoryStream();
            var buffer = new byte[1 << 16];
            for (int read; (read = gzip.Read(buffer)) > 0;)
            {
                content.Write(buffer, 0, read);
                if (content.Length > LargestChart)
                    throw new ContentException(
                        $"{location} has more than {LargestChart >> 20} MiB when it is unpacked, more than a chart may have.");
            }

            return content.ToArray();
        }
        catch (InvalidDataException exception)
        {
            throw new ContentException($"{location} is not a chart: it is not compressed with gzip, or damaged.", exception);
        }
    }

    private static int Copy(byte[] content, Span<byte> buffer, long offset)
    {
        var length = (int)Math.Min(buffer.Length, content.Length - offset);
        content.AsSpan((int)offset, length).CopyTo(buffer);
        return length;
    }
}
