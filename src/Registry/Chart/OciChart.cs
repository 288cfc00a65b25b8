using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Registry.Chart;

/// <summary>
/// A Helm chart as an OCI artifact: a manifest, the chart's metadata as its configuration, and the packed chart as its one
/// layer, with Helm's registered media types (HIP 17).
/// </summary>
public sealed class OciChart
{
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    private const string ConfigType = "application/vnd.cncf.helm.config.v1+json";
    private const string ContentType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

    private static readonly Lazy<OciChart> LazyShipped = new(() => new OciChart(ShippedChart.Files));

    private readonly OciContent _manifest;
    private readonly Dictionary<string, OciContent> _blobs;

    internal OciChart(IReadOnlyList<ChartFile> files)
        : this(files, null)
    {
    }

    private OciChart(IReadOnlyList<ChartFile> files, byte[]? archive)
    {
        var metadata = ChartText.ReadYaml(files, "Chart.yaml");
        Name = (string)metadata["name"]!;
        Version = (string)metadata["version"]!;
        var config = new OciContent(ConfigType, ToBytes(metadata));
        var layer = new OciContent(ContentType, archive ?? ChartArchive.Pack(Name, files));
        _blobs = new Dictionary<string, OciContent> { [config.Digest] = config, [layer.Digest] = layer };
        _manifest = new OciContent(ManifestType, ToBytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = ManifestType,
            ["config"] = Describe(config),
            ["layers"] = new JsonArray(Describe(layer)),
            ["annotations"] = new JsonObject
            {
                ["org.opencontainers.image.description"] = (string?)metadata["description"] ?? "",
                ["org.opencontainers.image.title"] = Name,
                ["org.opencontainers.image.version"] = Version,
            },
        }));
    }

    /// <summary>The registry chart that this build ships; packed when it is first asked for.</summary>
    public static OciChart Shipped => LazyShipped.Value;

    /// <summary>A chart that was packed earlier; its archive is served as it is.</summary>
    /// <param name="archive">What <see cref="ChartArchive.Pack"/> or <c>helm package</c> made.</param>
    internal static OciChart Read(byte[] archive) => new(ChartArchive.Unpack(archive), archive);

    /// <summary>The chart's name.</summary>
    public string Name { get; }

    /// <summary>The chart's version.</summary>
    public string Version { get; }

    /// <summary>The version as a tag: '+' can't be in a tag, and Helm writes '_' for it.</summary>
    public string Tag => Version.Replace('+', '_');

    /// <summary>The manifest by its tag or its digest; null for any other reference.</summary>
    public OciContent? FindManifest(string reference) => reference == Tag || reference == _manifest.Digest ? _manifest : null;

    /// <summary>A blob by its digest; null when there is none.</summary>
    public OciContent? FindBlob(string digest) => _blobs.GetValueOrDefault(digest);

    private static JsonObject Describe(OciContent content) => new()
    {
        ["mediaType"] = content.MediaType,
        ["digest"] = content.Digest,
        ["size"] = content.Bytes.Length,
    };

    private static byte[] ToBytes(JsonObject json)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            json.WriteTo(writer);
        return bytes.ToArray();
    }
}
