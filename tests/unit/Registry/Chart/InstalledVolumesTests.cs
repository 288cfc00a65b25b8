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
            Parse("""{"storage":{"size":"7Gi","annotations":{"a":"{{ b }}"}}}"""), InstalledVolumes.Read(YamlText.WriteTemplate(first.Values)));

        Assert.False(second.IsOther);
        Assert.Equal(YamlText.WriteTemplate(first.Values), YamlText.WriteTemplate(second.Values));
    }

    [Theory]
    [InlineData("""{"storage":{"size":"9Gi"}}""")]
    [InlineData("""{"storage":{"storageClassName":"fast"}}""")]
    [InlineData("""{"storage":{"annotations":{"a":"b"}}}""")]
    [InlineData("""{"storage":{"type":"emptyDir"}}""")]
    public void Keep_OtherVolumesThanInstalled_KeepsTheInstalled(string wanted)
    {
        var first = InstalledVolumes.Keep(Parse("""{"storage":{"size":"7Gi"}}"""), installed: null);

        var second = InstalledVolumes.Keep(
            HelmValues.Merge(Parse(wanted), Parse("""{"log":{"level":"debug"}}""")), InstalledVolumes.Read(YamlText.WriteTemplate(first.Values)));

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
            Parse("""{"storage":{"type":"nfs"}}"""), InstalledVolumes.Read(YamlText.WriteTemplate(Parse("""{"storage":{"type":"emptyDir"}}"""))));

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

    private static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();
}
