using System.Text.Json;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Unit.Tests.Registry.Objects;

/// <summary>Where the condition lies in each version of Clusters.</summary>
public sealed class RegistryConditionTests
{
    private const string Entry = """{"type":"capi-registry-hook.io/RegistryReady","status":"True","reason":"Ready"}""";

    [Theory]
    [InlineData("v1beta2", $$$"""{"conditions":[{"type":"Available"},{{{Entry}}}]}""", true)]
    [InlineData("v1beta2", $$$"""{"v1beta2":{"conditions":[{{{Entry}}}]}}""", false)]
    [InlineData("v1beta1", $$$"""{"conditions":[{"type":"Ready"}],"v1beta2":{"conditions":[{{{Entry}}}]}}""", true)]
    [InlineData("v1beta1", $$$"""{"conditions":[{{{Entry}}}]}""", false)]
    [InlineData("v1beta1", """{"v1beta2":[]}""", false)]
    [InlineData("v1beta2", """{"conditions":{"type":"capi-registry-hook.io/RegistryReady"}}""", false)]
    [InlineData("v1beta2", """{"conditions":[1,null,{"type":5}]}""", false)]
    [InlineData("v1beta2", "[]", false)]
    [InlineData("v1beta2", "null", false)]
    public void Find_AnyStatus_LooksWhereEachControllerHasItsEntry(string version, string status, bool isThere) =>
        Assert.Equal(isThere, RegistryCondition.Find(Read(version, status)) is { Status: "True", Reason: "Ready" });

    /// <summary>A status of the wrong shape in a request was never looked at, and is no reason to refuse it.</summary>
    [Fact]
    public void Find_BrokenEntry_IsOneThatSaysSomethingElse() => Assert.Equal(
        new ObjectCondition(),
        RegistryCondition.Find(Read("v1beta2", """{"conditions":[{"type":"capi-registry-hook.io/RegistryReady","status":{}}]}""")));

    [Theory]
    [InlineData("v1beta2", $$$"""{"conditions":[{{{Entry}}}]}""")]
    [InlineData("v1beta1", $$$"""{"v1beta2":{"conditions":[{{{Entry}}}]}}""")]
    public void Apply_Condition_SendsThisEntryAlone(string version, string status)
    {
        var sent = JsonSerializer.SerializeToNode(
            RegistryCondition.Apply(Read(version, "{}"), JsonSerializer.Deserialize(Entry, RegistryJson.Default.ObjectCondition)),
            RegistryJson.Default.ClusterConditions)!;

        Assert.Equal(status, sent["status"]!.ToJsonString());
        Assert.Equal("""{"name":"c1","namespace":"team-a","uid":"u1"}""", sent["metadata"]!.ToJsonString());
        Assert.Null(JsonSerializer.SerializeToNode(
            RegistryCondition.Apply(Read(version, "{}"), null), RegistryJson.Default.ClusterConditions)!["status"]);
    }

    private static Cluster Read(string version, string status) => Clusters.Read($$"""
        {"apiVersion":"cluster.x-k8s.io/{{version}}","kind":"Cluster",
         "metadata":{"name":"c1","namespace":"team-a","uid":"u1"},"status":{{status}}}
        """);
}
