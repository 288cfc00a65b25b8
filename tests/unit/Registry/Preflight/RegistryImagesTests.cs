using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Preflight;

namespace CapiRegistryHook.Unit.Tests.Registry.Preflight;

/// <summary>The images that a registry's pods need before there is a registry.</summary>
public sealed class RegistryImagesTests
{
    /// <summary>The sidecar is there where replicas copy from each other, and where the primary fetches by itself.</summary>
    [Theory]
    [InlineData("{}", true)]
    [InlineData("""{"replicas":1}""", false)]
    [InlineData("""{"storage":{"type":"s3"}}""", false)]
    [InlineData("""{"replicas":1,"sync":{"pull":true}}""", true)]
    [InlineData("""{"replicas":1,"sync":{"sources":[{"registry":"a.example.com","images":[{"source":"app:1"}]}]}}""", true)]
    public void Of_Values_HaveRegsyncWhereThereIsASidecar(string values, bool expected) =>
        Assert.Equal(expected, RegistryImages.Of(JsonNode.Parse(values)!.AsObject())
            .Any(image => image.Contains("regsync", StringComparison.Ordinal)));
}
