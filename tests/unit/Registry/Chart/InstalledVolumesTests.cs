using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Unit.Tests.Registry.Chart;

public sealed class InstalledVolumesTests
{
    [Fact]
    public void Keep_NotInstalledYet_WritesDownEverythingThatVolumesAreMadeOf()
    {
        var kept = InstalledVolumes.Keep(Parse("""{"storage":{"size":"7Gi"}}"""), installed: null);

        Assert.False(kept.IsOther);
        var storage = kept.Values["storage"]!;
        Assert.Equal(("pvc", "7Gi"), ((string?)storage["type"], (string?)storage["size"]));
        Assert.Equal(
            ["accessModes", "annotations", "size", "storageClassName", "type"], storage.AsObject().Select(field => field.Key).Order());
    }

    [Fact]
    public void Keep_SameAsInstalled_ChangesNothing()
    {
        var first = InstalledVolumes.Keep(Parse("""{"storage":{"size":"7Gi","annotations":{"a":"{{ b }}"}}}"""), installed: null);

        var second = InstalledVolumes.Keep(
            Parse("""{"storage":{"size":"7Gi","annotations":{"a":"{{ b }}"}}}"""),
            InstalledVolumes.Read(YamlText.WriteTemplate(first.Values)));

        Assert.False(second.IsOther);
        Assert.Equal(YamlText.WriteTemplate(first.Values), YamlText.WriteTemplate(second.Values));
    }

    /// <summary>What is installed stays until the volumes have grown; a size that only the chart's defaults name lets none grow.</summary>
    [Fact]
    public void Keep_LargerSize_IsToldApartAndTakenOnceGrown()
    {
        var installed = InstalledVolumes.Keep(Parse("""{"storage":{"size":"7Gi"}}"""), installed: null).Values;
        var larger = Parse("""{"storage":{"size":"9Gi"}}""");

        var kept = InstalledVolumes.Keep(larger, installed);
        Assert.Equal((false, "9Gi", false, "7Gi"), (kept.IsOther, kept.LargerSize, kept.IsSmaller, InstalledVolumes.SizeOf(kept.Values)));
        var grown = InstalledVolumes.Keep(larger, installed, grownTo: "9Gi");
        Assert.Equal((false, null, "9Gi"), (grown.IsOther, grown.LargerSize, InstalledVolumes.SizeOf(grown.Values)));
        Assert.True(InstalledVolumes.Keep(Parse("""{"storage":{"size":"6Gi"}}"""), installed).IsSmaller);
        Assert.Null(InstalledVolumes.Keep(Parse("{}"), installed).LargerSize);
        Assert.Null(InstalledVolumes.Keep(Parse("""{"storage":{"type":"emptyDir","size":"9Gi"}}"""), installed).LargerSize);
    }

    [Theory]
    [InlineData("""{"storage":{"size":"6Gi"}}""")]
    [InlineData("""{"storage":{"size":"9Gi","storageClassName":"fast"}}""")]
    [InlineData("""{"storage":{"storageClassName":"fast"}}""")]
    [InlineData("""{"storage":{"annotations":{"a":"b"}}}""")]
    [InlineData("""{"storage":{"type":"emptyDir"}}""")]
    public void Keep_OtherVolumesThanInstalled_KeepsTheInstalled(string wanted)
    {
        var first = InstalledVolumes.Keep(Parse("""{"storage":{"size":"7Gi"}}"""), installed: null);

        var second = InstalledVolumes.Keep(
            HelmValues.Merge(Parse(wanted), Parse("""{"log":{"level":"debug"}}""")),
            InstalledVolumes.Read(YamlText.WriteTemplate(first.Values)));

        Assert.True(second.IsOther);
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse(first.Values["storage"]!.ToJsonString()), JsonNode.Parse(second.Values["storage"]!.ToJsonString())));
        Assert.Equal("debug", (string?)second.Values["log"]!["level"]);
    }

    [Fact]
    public void Keep_ClaimsWantedWhereThereAreNone_KeepsTheFormerKind()
    {
        var first = YamlText.WriteTemplate(Parse("""{"storage":{"type":"emptyDir"}}"""));

        var second = InstalledVolumes.Keep(Parse("{}"), InstalledVolumes.Read(first));

        Assert.True(second.IsOther);
        Assert.Equal("emptyDir", (string?)second.Values["storage"]!["type"]);
    }

    [Fact]
    public void Keep_NoClaimsBeforeOrAfter_TakesWhatIsWanted()
    {
        var second = InstalledVolumes.Keep(
            Parse("""{"storage":{"type":"nfs"}}"""),
            InstalledVolumes.Read(YamlText.WriteTemplate(Parse("""{"storage":{"type":"emptyDir"}}"""))));

        Assert.False(second.IsOther);
        Assert.Equal("nfs", (string?)second.Values["storage"]!["type"]);
    }

    [Theory]
    [InlineData("no: [yaml")]
    [InlineData("- a list")]
    [InlineData("a: 1\n---\nb: 2\n")]
    [InlineData("")]
    public void Keep_TemplateOfSomebodyElse_CountsAsNotInstalled(string template) =>
        Assert.False(InstalledVolumes.Keep(Parse("""{"storage":{"size":"9Gi"}}"""), InstalledVolumes.Read(template)).IsOther);

    [Fact]
    public void Keep_ClaimsWantedWhereStorageIsShared_KeepsAllThatTheSharedStorageNeeds()
    {
        var first = Parse("""{"storage":{"type":"s3","s3":{"bucket":"b"}},"httpSecret":{"secretName":"h"},"log":{"level":"warn"}}""");

        var second = InstalledVolumes.Keep(Parse("""{"storage":{"size":"9Gi"}}"""), first);

        Assert.True(second.IsOther);
        Assert.Equal("""{"storage":{"type":"s3","s3":{"bucket":"b"}},"httpSecret":{"secretName":"h"}}""", second.Values.ToJsonString());
    }

    [Fact]
    public void Keep_SharedStorageWantedWhereThereAreClaims_KeepsTheClaims()
    {
        var first = InstalledVolumes.Keep(Parse("""{"storage":{"size":"7Gi"}}"""), installed: null).Values;

        var second = InstalledVolumes.Keep(
            Parse("""{"storage":{"type":"s3","s3":{"bucket":"b"}},"httpSecret":{"secretName":"h"}}"""), first);

        Assert.True(second.IsOther);
        Assert.Equal(first.ToJsonString(), second.Values.ToJsonString());
    }

    [Theory]
    [InlineData("""{"storage":{"size":"9Gi"},"upstreams":[{"host":"a.io","size":"1Gi"},{"host":"b.io"}]}""")]
    [InlineData("""{"storage":{"storageClassName":"fast"},"upstreams":[{"host":"a.io","size":"2Gi"},{"host":"b.io"}]}""")]
    [InlineData("""{"storage":{"type":"emptyDir"},"upstreams":[{"host":"a.io"},{"host":"b.io"}]}""")]
    public void Keep_OtherVolumesOfCaches_KeepsTheInstalled(string wanted)
    {
        var first = InstalledVolumes.Keep(
            Parse("""{"pullThrough":{"storage":{"size":"5Gi"},"upstreams":[{"host":"a.io","size":"1Gi"},{"host":"b.io"}]}}"""),
            installed: null);

        var second = InstalledVolumes.Keep(
            new JsonObject { ["pullThrough"] = Parse(wanted) }, InstalledVolumes.Read(YamlText.WriteTemplate(first.Values)));

        Assert.True(second.IsOther);
        Assert.Equal(["1Gi", "5Gi"], SizesOfCaches(second.Values));
        Assert.Equal("pvc", (string?)second.Values["pullThrough"]!["storage"]!["type"]);
        Assert.Equal("", (string?)second.Values["pullThrough"]!["storage"]!["storageClassName"]);
    }

    [Fact]
    public void Keep_CacheOfAnotherHost_IsNewAndGetsTheSizeThatIsWanted()
    {
        var first = Parse("""{"pullThrough":{"storage":{"size":"5Gi"},"upstreams":[{"host":"a.io"}]}}""");

        var second = InstalledVolumes.Keep(
            Parse("""{"pullThrough":{"storage":{"size":"9Gi"},"upstreams":[{"host":"a.io"},{"host":"b.io"}]}}"""), first);
        var other = InstalledVolumes.Keep(
            Parse("""{"pullThrough":{"storage":{"type":"emptyDir"},"upstreams":[{"host":"b.io"}]}}"""), first);

        Assert.Equal(["5Gi", "9Gi"], SizesOfCaches(second.Values));
        Assert.False(other.IsOther);
        Assert.Equal("emptyDir", (string?)other.Values["pullThrough"]!["storage"]!["type"]);
    }

    [Theory]
    [InlineData("storage: 5")]
    [InlineData("storage: null")]
    [InlineData("storage: {type: null}")]
    [InlineData("pullThrough: 5")]
    [InlineData("pullThrough: {storage: 5, upstreams: [1, {host: [a]}, {host: a.io, size: {}}]}")]
    [InlineData("storage: {type: [pvc], size: {a: b}}")]
    public void Keep_InstalledValuesOfAnyShape_DoesNotThrow(string template) =>
        Assert.NotNull(InstalledVolumes.Keep(
            Parse("""{"pullThrough":{"upstreams":[{"host":"a.io"}]}}"""), InstalledVolumes.Read(template)).Values["storage"]);

    private static IEnumerable<string?> SizesOfCaches(JsonObject values) =>
        values["pullThrough"]!["upstreams"]!.AsArray().Select(cache => (string?)cache!["size"]);

    private static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();
}
