using System.Text.Json;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Unit.Tests.Registry.Nodes;

public sealed class NodePlanTests
{
    public static TheoryData<NodeFormat, string> Mirrors()
    {
        var data = new TheoryData<NodeFormat, string>();
        foreach (var format in Enum.GetValues<NodeFormat>())
        {
            data.Add(format, "{}");
            data.Add(format, """{ "strict": true }""");
            data.Add(format, """{ "mode": "perUpstream", "upstreams": ["docker.io", "a.example:5000"] }""");
            data.Add(format, """{ "containerdConfig": "dropIn" }""");
        }

        data.Add(NodeFormat.V2, """
            { "strict": true, "caches": [{ "host": "docker.io", "port": 5001 }], "fallbacks": [
              { "url": "https://a.example/v2", "caSecretName": "ca", "loginSecretName": "login", "upstreams": ["ghcr.io"] },
              { "url": "https://b.example/v2/x" }] }
            """);
        return data;
    }

    [Theory]
    [MemberData(nameof(Mirrors))]
    public void Plan_AnyMirror_StaysWithinTheLimitsOfKubeadmConfigs(NodeFormat format, string mirror)
    {
        var nodes = Wanted(new ClusterNodes(Clusters.With($$"""{ "mirror": {{mirror}} }"""), new RegistryOptions(), format).Plan());

        Assert.All(nodes.Files, file => Assert.InRange(file.Content?.Length ?? 1, 1, 10240));
        Assert.Equal(nodes.Files.Count, nodes.Files.DistinctBy(file => file.Path).Count());
        Assert.All(nodes.Files, file => Assert.True(file.Content is null != file.Source is null));
    }

    /// <summary>Cloud-init runs everything that Cluster API gives it through Jinja first.</summary>
    [Theory]
    [MemberData(nameof(Mirrors))]
    public void Plan_AnyMirror_HasNothingThatJinjaWouldTakeForItself(NodeFormat format, string mirror)
    {
        var nodes = Wanted(new ClusterNodes(Clusters.With($$"""{ "mirror": {{mirror}} }"""), new RegistryOptions(), format).Plan());

        foreach (var text in nodes.Files.Select(file => file.Content ?? "").Concat(nodes.Commands))
            Assert.DoesNotMatch(@"\{\{|\{%|\{#", text);
    }

    [Fact]
    public void Plan_Commands_NeverFail()
    {
        var nodes = Wanted(new ClusterNodes(Clusters.With(), new RegistryOptions(), NodeFormat.V1).Plan());
        Assert.EndsWith("|| true", Assert.Single(nodes.Commands), StringComparison.Ordinal);
    }

    /// <summary>A cache that is asked for another host's image looks for it at its own upstream.</summary>
    [Theory]
    [InlineData("""{ "caches": [{ "host": "docker.io", "port": 5001 }] }""")]
    [InlineData("""{ "mode": "perUpstream", "upstreams": ["ghcr.io"], "caches": [{ "host": "docker.io", "port": 5001 }] }""")]
    public void Plan_Cache_IsNamedInTheFolderOfItsHostAlone(string mirror)
    {
        var nodes = Wanted(new ClusterNodes(Clusters.With($$"""{ "mirror": {{mirror}} }"""), new RegistryOptions(), NodeFormat.V2).Plan());

        var file = Assert.Single(nodes.Files, file => file.Content?.Contains(":5001", StringComparison.Ordinal) == true);
        Assert.Equal("/etc/containerd/certs.d/docker.io/hosts.toml", file.Path);
    }

    [Fact]
    public void Plan_GeneratedLogin_ComesFromTheSecretAndIsInNoTemplate()
    {
        var nodes = Wanted(new ClusterNodes(
            Clusters.With("""{ "auth": { "generate": true } }"""), new RegistryOptions(), NodeFormat.V2).Plan());

        var login = Assert.Single(nodes.Files, file => file.Source?.Key == "mirrorLogin");
        Assert.Equal(("c1-registry-addon-login", "0600"), (login.Source!.SecretName, login.Permissions));
        Assert.All(nodes.Commands, command => Assert.EndsWith("|| true", command, StringComparison.Ordinal));
    }

    [Fact]
    public void PlanFor_MirrorsOfVersion2ForSomeNodes_AreRefusedByVersion1()
    {
        var nodes = new ClusterNodes(Clusters.With(), new RegistryOptions(), NodeFormat.V1);

        var result = nodes.PlanFor(Value("""{ "mirror": { "fallbacks": [{ "url": "https://a.example/v2" }] } }"""));

        Assert.Contains("name generatepatches-v2", Problem.Describe(Assert.IsType<NodePlanResult.Invalid>(result).Problems),
            StringComparison.Ordinal);
    }

    [Fact]
    public void PlanFor_ValueOfSomeNodes_TakesTheMirrorAndKeepsTheClustersAddresses()
    {
        var nodes = new ClusterNodes(
            Clusters.With("""{ "addresses": { "pull": ["10.96.7.1"], "primary": ["10.96.7.2"] } }"""), new RegistryOptions(),
            NodeFormat.V1);

        var hosts = Wanted(nodes.PlanFor(Value("""{ "mirror": { "dialTimeout": "7s" } }"""))).Files[0].Content!;

        Assert.Contains("https://10.96.7.1/v2", hosts, StringComparison.Ordinal);
        Assert.Contains("dial_timeout = \"7s\"", hosts, StringComparison.Ordinal);
    }

    [Fact]
    public void PlanFor_NoRegistryForSomeNodes_IsNotWanted() =>
        Assert.IsType<NodePlanResult.NotWanted>(
            new ClusterNodes(Clusters.With(), new RegistryOptions(), NodeFormat.V1).PlanFor(Value("null")));

    [Fact]
    public void PlanFor_RegistryForSomeNodesOfAClusterWithoutOne_IsRefused()
    {
        var result = new ClusterNodes(Clusters.With(registry: null), new RegistryOptions(), NodeFormat.V1).PlanFor(Value("{}"));
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
