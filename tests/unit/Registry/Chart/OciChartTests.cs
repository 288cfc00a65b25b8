using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Chart;

namespace CapiRegistryHook.Unit.Tests.Registry.Chart;

public sealed class OciChartTests
{
    private static readonly ChartFile[] Files =
    [
        File("templates/service.yaml", "kind: Service\n"),
        File("Chart.yaml", "apiVersion: v2\nname: sample\nversion: 1.2.3+build.4\nappVersion: \"3.0\"\ndescription: A chart & more\n"),
        File("values.yaml", new string('#', 200_000)),
    ];

    [Fact]
    public void Layer_Unpacked_HoldsEveryFileBelowTheChartsName()
    {
        var (_, layer) = Blobs(new OciChart(Files));

        var unpacked = Unpack(layer.Bytes.ToArray());

        Assert.Equal(["sample/Chart.yaml", "sample/templates/service.yaml", "sample/values.yaml"], unpacked.Keys);
        Assert.All(Files, file => Assert.Equal(file.Content, unpacked[$"sample/{file.Path}"]));
    }

    [Fact]
    public void Manifest_DescribesConfigAndLayerByDigestAndSize()
    {
        var chart = new OciChart(Files);
        var (config, layer) = Blobs(chart);
        var manifest = Json(chart.FindManifest("1.2.3_build.4")!);

        Assert.Equal("application/vnd.cncf.helm.config.v1+json", config.MediaType);
        Assert.Equal("application/vnd.cncf.helm.chart.content.v1.tar+gzip", layer.MediaType);
        Assert.Equal(config.Bytes.Length, (int)manifest["config"]!["size"]!);
        Assert.Equal(layer.Bytes.Length, (int)manifest["layers"]![0]!["size"]!);
        Assert.Equal("sample", (string?)manifest["annotations"]!["org.opencontainers.image.title"]);
        Assert.Equal("1.2.3+build.4", (string?)Json(config)["version"]);
        Assert.Equal("3.0", (string?)Json(config)["appVersion"]);
    }

    [Fact]
    public void FindManifest_ByItsDigest_IsTheSame()
    {
        var chart = new OciChart(Files);
        var manifest = chart.FindManifest(chart.Tag)!;

        Assert.Same(manifest, chart.FindManifest(manifest.Digest));
        Assert.Null(chart.FindManifest("latest"));
        Assert.Null(chart.FindBlob(manifest.Digest));
    }

    [Fact]
    public void Digest_OtherOrderOfTheSameFiles_IsTheSame() =>
        Assert.Equal(ManifestDigest(Files), ManifestDigest([.. Files.Reverse()]));

    /// <summary>
    /// The literal was computed by a second implementation (Python's tarfile, zlib and json). Were it to differ on some machine or
    /// runtime, a HelmChartProxy of one replica would fetch
    /// other bytes than that of the next; a change of the format on purpose changes the literal.
    /// </summary>
    [Fact]
    public void Digest_KnownFiles_IsTheKnownDigest() =>
        Assert.Equal("sha256:327e6705fac8f9b91fae989c7c07d7c4fe93438e516e54c64b53006de92b2814", ManifestDigest(Files));

    [Fact]
    public void Digest_OneByteMore_IsAnother() =>
        Assert.NotEqual(ManifestDigest(Files), ManifestDigest([.. Files[..2], File("values.yaml", new string('#', 200_001))]));

    private static string ManifestDigest(IReadOnlyList<ChartFile> files)
    {
        var chart = new OciChart(files);
        return chart.FindManifest(chart.Tag)!.Digest;
    }

    private static (OciContent Config, OciContent Layer) Blobs(OciChart chart)
    {
        var manifest = Json(chart.FindManifest(chart.Tag)!);
        return (chart.FindBlob((string)manifest["config"]!["digest"]!)!, chart.FindBlob((string)manifest["layers"]![0]!["digest"]!)!);
    }

    private static JsonNode Json(OciContent content) => JsonNode.Parse(content.Bytes.Span)!;

    private static SortedDictionary<string, byte[]> Unpack(byte[] archive)
    {
        var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        using var reader = new TarReader(new GZipStream(new MemoryStream(archive), CompressionMode.Decompress));
        while (reader.GetNextEntry() is { } entry)
        {
            using var content = new MemoryStream();
            entry.DataStream?.CopyTo(content);
            files.Add(entry.Name, content.ToArray());
        }

        return files;
    }

    private static ChartFile File(string path, string text) => new(path, Encoding.UTF8.GetBytes(text));
}
