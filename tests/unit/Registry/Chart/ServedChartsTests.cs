using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Chart;

namespace CapiRegistryHook.Unit.Tests.Registry.Chart;

/// <summary>An earlier chart beside the one of this build; no release has been made yet, so it is packed here.</summary>
public sealed class ServedChartsTests
{
    private static readonly byte[] Archive = ChartArchive.Pack("sample", Files("1.1.0"));

    private readonly OciChart _shipped = new(Files("1.2.0"));

    [Fact]
    public void FindManifest_OfAReleasedVersion_LeadsToItsArchiveByteForByte()
    {
        var charts = new ServedCharts(_shipped, [OciChart.Read(Archive)]);

        var manifest = JsonNode.Parse(charts.FindManifest("1.1.0")!.Bytes.Span)!;

        Assert.Equal(Archive, charts.FindBlob((string)manifest["layers"]![0]!["digest"]!)!.Bytes.ToArray());
        Assert.Equal("1.1.0", (string?)JsonNode.Parse(charts.FindBlob((string)manifest["config"]!["digest"]!)!.Bytes.Span)!["version"]);
        Assert.Equal(new OciChart(Files("1.1.0")).FindManifest("1.1.0")!.Digest, charts.FindManifest("1.1.0")!.Digest);
        Assert.Same(_shipped.FindManifest("1.2.0"), charts.FindManifest("1.2.0"));
        Assert.Null(charts.FindManifest("1.0.0"));
        Assert.Null(charts.FindBlob("sha256:00"));
    }

    [Fact]
    public void Tags_ArePagedInOrder()
    {
        var charts = new ServedCharts(_shipped, [OciChart.Read(Archive), new OciChart(Files("1.0.0"))]);

        Assert.Equal(["1.0.0", "1.1.0", "1.2.0"], charts.Tags("", null));
        Assert.Equal(["1.0.0", "1.1.0"], charts.Tags("", 2));
        Assert.Equal(["1.2.0"], charts.Tags("1.1.0", 2));
        Assert.Empty(charts.Tags("", 0));
    }

    /// <summary>A build of what was just released serves its own files.</summary>
    [Fact]
    public void Released_OfTheSameVersion_IsTheOneOfThisBuild()
    {
        var charts = new ServedCharts(_shipped, [new OciChart(Files("1.2.0", "other"))]);

        Assert.Equal(["1.2.0"], charts.Tags("", null));
        Assert.Same(_shipped.FindManifest("1.2.0"), charts.FindManifest("1.2.0"));
    }

    private static ChartFile[] Files(string version, string description = "") =>
    [
        new("Chart.yaml", Encoding.UTF8.GetBytes($"apiVersion: v2\nname: sample\nversion: {version}\ndescription: \"{description}\"\n")),
        new("values.yaml", "replicas: 2\n"u8.ToArray()),
    ];
}
