using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Chart;

namespace CapiRegistryHook.Unit.Tests.Registry.Chart;

public sealed class HelmValuesTests
{
    [Theory]
    [InlineData("{}", "{}", "{}")]
    [InlineData("""{"a":1}""", "{}", """{"a":1}""")]
    [InlineData("""{"a":1}""", """{"a":2}""", """{"a":2}""")]
    [InlineData("""{"a":{"x":1,"y":1}}""", """{"a":{"y":2,"z":2}}""", """{"a":{"x":1,"y":2,"z":2}}""")]
    [InlineData("""{"a":[1,2]}""", """{"a":[3]}""", """{"a":[3]}""")]
    [InlineData("""{"a":{"x":1}}""", """{"a":null}""", """{"a":null}""")]
    [InlineData("""{"a":{"x":1}}""", """{"a":5}""", """{"a":5}""")]
    public void Merge_TwoLayers_TheUpperWinsKeyByKey(string lower, string upper, string merged) =>
        AssertJson(merged, HelmValues.Merge(Parse(lower), Parse(upper)));

    [Fact]
    public void Merge_LaterChangesOfTheResult_LeaveBothSidesAlone()
    {
        var (lower, upper) = (Parse("""{"a":{"x":1}}"""), Parse("""{"b":{"y":1}}"""));

        var merged = HelmValues.Merge(lower, upper);
        merged["a"]!["x"] = 2;
        merged["b"]!["y"] = 2;

        AssertJson("""{"a":{"x":1}}""", lower);
        AssertJson("""{"b":{"y":1}}""", upper);
    }

    [Theory]
    [InlineData("""{"a":{"x":1,"y":1}}""", """{"a":{"x":null}}""", """{"a":{"y":1}}""")]
    [InlineData("""{"a":{"x":1}}""", """{"a":null}""", "{}")]
    [InlineData("""{"a":null,"b":1}""", """{"b":2}""", """{"a":null,"b":2}""")]
    public void Coalesce_NullAmongTheValues_RemovesTheChartsDefault(string defaults, string values, string seen) =>
        AssertJson(seen, HelmValues.Coalesce(Parse(defaults), Parse(values)));

    [Theory]
    [InlineData("tls", true)]
    [InlineData("tls.secretName", true)]
    [InlineData("tls.other", false)]
    [InlineData("list.x", false)]
    [InlineData("none.deep", false)]
    public void Has_Path_TellsWhetherItIsSet(string path, bool isSet) =>
        Assert.Equal(isSet, HelmValues.Has(Parse("""{"tls":{"secretName":null},"list":[]}"""), path));

    private static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();

    private static void AssertJson(string expected, JsonObject actual) => Assert.Equal(expected, actual.ToJsonString());
}
