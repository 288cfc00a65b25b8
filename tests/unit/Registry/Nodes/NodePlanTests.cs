using System.Text.Json;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Unit.Tests.Registry.Nodes;

public sealed class NodePlanTests
{
    public static TheoryData<string> Mirrors() =>
        ["{}", """{ "strict": true }""", """{ "mode": "perUpstream", "upstreams": ["docker.io", "a.example:5000"] }""",
            """{ "containerdConfig": "dropIn" }"""];

    [Theory]
    [MemberData(nameof(Mirrors))]
    public void Plan_AnyMirror_StaysWithinTheLimitsOfKubeadmConfigs(string mirror)
    {
        var nodes = Wanted(new ClusterNodes(Clusters.With($$"""{ "mirror": {{mirror}} }"""), new RegistryOptions()).Plan());

        Assert.All(nodes.Files, file => Assert.InRange(file.Content?.Length ?? 1, 1, 10240));
        Assert.Equal(nodes.Files.Count, nodes.Files.DistinctBy(file => file.Path).Count());
        Assert.All(nodes.Files, file => Assert.True(file.Content is null != file.Source is null));
    }

    /// <summary>Cloud-init runs everything that Cluster API gives it through Jinja first.</summary>
    [Theory]
    [MemberData(nameof(Mirrors))]
    public void Plan_AnyMirror_HasNothingThatJinjaWouldTakeForItself(string mirror)
    {
        var nodes = Wanted(new ClusterNodes(Clusters.With($$"""{ "mirror": {{mirror}} }"""), new RegistryOptions()).Plan());

        foreach (var text in nodes.Files.Select(file => file.Content ?? "").Concat(nodes.Commands))
            Assert.DoesNotMatch(@"\{\{|\{%|\{#", text);
    }

    [Fact]
    public void Plan_Commands_NeverFail()
    {
        var nodes = Wanted(new ClusterNodes(Clusters.With(), new RegistryOptions()).Plan());
        Assert.EndsWith("|| true", Assert.Single(nodes.Commands), StringComparison.Ordinal);
    }

    [Fact]
    public void PlanFor_ValueOfSomeNodes_TakesTheMirrorAndKeepsTheClustersAddresses()
    {
        var nodes = new ClusterNodes(
            Clusters.With("""{ "addresses": { "pull": ["10.96.7.1"], "primary": ["10.96.7.2"] } }"""), new RegistryOptions());

        var hosts = Wanted(nodes.PlanFor(Value("""{ "mirror": { "dialTimeout": "7s" } }"""))).Files[0].Content!;

        Assert.Contains("https://10.96.7.1/v2", hosts, StringComparison.Ordinal);
        Assert.Contains("dial_timeout = \"7s\"", hosts, StringComparison.Ordinal);
    }

    [Fact]
    public void PlanFor_NoRegistryForSomeNodes_IsNotWanted() =>
        Assert.IsType<NodePlanResult.NotWanted>(new ClusterNodes(Clusters.With(), new RegistryOptions()).PlanFor(Value("null")));

    [Fact]
    public void PlanFor_RegistryForSomeNodesOfAClusterWithoutOne_IsRefused()
    {
        var result = new ClusterNodes(Clusters.With(registry: null), new RegistryOptions()).PlanFor(Value("{}"));
        Assert.Contains("set it in spec.topology.variables too", Problem.Describe(Assert.IsType<NodePlanResult.Invalid>(result).Problems),
            StringComparison.Ordinal);
    }

    private static NodePlan Wanted(NodePlanResult result) => Assert.IsType<NodePlanResult.Wanted>(result).Nodes;

    private static JsonElement Value(string registry)
    {
        using var document = JsonDocument.Parse($$"""{ "addons": { "registry": {{registry}} } }""");
        return document.RootElement.Clone();
    }
}
