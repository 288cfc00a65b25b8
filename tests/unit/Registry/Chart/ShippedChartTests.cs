using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Registry.Chart;

/// <summary>The chart inside the program is the chart in the sources, and speaks of the same version.</summary>
public sealed class ShippedChartTests
{
    private static string Folder => Path.Combine(RepositoryRoot.Find(), "charts", "registry");

    [Fact]
    public void Files_AreTheSources_WithoutTheValuesOfItsTests()
    {
        var sources = Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Folder, path))
            .Where(path => !path.StartsWith("ci/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).ToList();

        Assert.Equal(sources, ShippedChart.Files.Select(file => file.Path));
        Assert.All(ShippedChart.Files, file => Assert.Equal(File.ReadAllBytes(Path.Combine(Folder, file.Path)), file.Content));
    }

    [Fact]
    public void Digest_PackedFromTheSources_IsTheOneThatIsServed()
    {
        var packed = new OciChart(
            [.. ShippedChart.Files.Select(file => new ChartFile(file.Path, File.ReadAllBytes(Path.Combine(Folder, file.Path))))]);

        Assert.Equal(OciChart.Shipped.FindManifest(OciChart.Shipped.Tag)!.Digest, packed.FindManifest(packed.Tag)!.Digest);
    }

    [Fact]
    public void Version_OfChartAndService_AreTheSame()
    {
        Assert.Equal(ServiceVersion.Text, OciChart.Shipped.Version);
        Assert.Equal(new RegistryOptions().ChartName, OciChart.Shipped.Name);
        Assert.True(ShippedChart.Is(new RegistryOptions().ChartName, new RegistryOptions().ChartVersion));
        Assert.False(ShippedChart.Is("registry", "0.0.1"));
    }

    [Fact]
    public void Validate_TheChartsOwnValues_AreAccepted() => Assert.Empty(ShippedChart.Validate([]));

    /// <summary>Everything that is computed has to be a value of the chart: a misspelt one would be refused by its schema.</summary>
    [Fact]
    public void Validate_WhatIsComputed_IsAccepted()
    {
        Assert.Empty(ShippedChart.Validate(ChartValues.Build(Clusters.Plan(Clusters.WithServices("fd00::/108", "10.96.0.0/16")), "0F")));
        Assert.NotEmpty(ShippedChart.Validate(new JsonObject { ["certificateSerial"] = "0F" }));
    }

    [Fact]
    public void Computed_NamesExactlyWhatIsSetOfEachCluster()
    {
        var computed = new List<string>();
        Collect(ChartValues.Build(Clusters.Plan(Clusters.With()), "0F"), "", computed);

        // The number of replicas is the admin's and the user's to choose.
        Assert.Equal(ChartValues.Computed.Append("replicas").Order(), computed.Order());
    }

    private static void Collect(JsonObject values, string prefix, List<string> paths)
    {
        foreach (var (name, value) in values)
        {
            if (value is JsonObject inner)
                Collect(inner, $"{prefix}{name}.", paths);
            else
                paths.Add(prefix + name);
        }
    }
}
