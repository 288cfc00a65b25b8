using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Unit.Tests.Registry.Plan;

/// <summary>How nodes use a registry, held against what the admin's values make of it.</summary>
public sealed class MirrorRulesTests
{
    private const string Login = "auth: {htpasswd: {secretName: accounts}}";
    private const string WholeCache = "pullThrough: {enabled: true, upstream: https://registry-1.docker.io}";

    private const string Caches = """
        pullThrough:
          upstreams:
            - {host: docker.io, remoteURL: https://registry-1.docker.io, port: 5001}
            - {host: ghcr.io, remoteURL: https://ghcr.io, port: 5002}
        """;

    [Theory]
    [InlineData(Login, """{ "mirror": { "strict": true } }""",
        "mirror.strict is true while the admin's values for the registry chart set auth.htpasswd.secretName, a login that nodes do "
            + "not have")]
    [InlineData(Login, """{ "auth": { "generate": true } }""",
        "auth.generate is true while the admin's values for the registry chart set auth.htpasswd.secretName; leave one of them out.")]
    [InlineData(WholeCache, "{}", "mirror.mode makes nodes look for images of several hosts in the registry")]
    [InlineData(WholeCache, """{ "mirror": { "mode": "perUpstream", "upstreams": ["docker.io"] } }""",
        "in clusterConfig.addons.registry.mirror.caches at port 443, or off.")]
    [InlineData(WholeCache, """{ "mirror": { "mode": "perUpstream", "caches": [{ "host": "ghcr.io", "port": 443 }] } }""",
        "mirror.caches[0] names a cache of ghcr.io at port 443, which the values for the registry chart do not have")]
    [InlineData("", """{ "mirror": { "caches": [{ "host": "docker.io", "port": 5001 }] } }""",
        "mirror.caches[0] names a cache of docker.io at port 5001, which the values")]
    [InlineData(Caches, """{ "mirror": { "caches": [{ "host": "docker.io", "port": 5002 }] } }""",
        "mirror.caches[0] names a cache of docker.io at port 5002, which the values")]
    public void Create_SettingsThatTheAdminsValuesRuleOut_AreRefusedWithTheRemedy(string values, string registry, string sentence) =>
        Assert.Contains(sentence, Clusters.Problems(Clusters.With(registry), With(values)), StringComparison.Ordinal);

    [Theory]
    [InlineData(Login, "{}")]
    [InlineData(Login, """{ "mirror": { "mode": "off" } }""")]
    [InlineData("", """{ "auth": { "generate": true }, "mirror": { "strict": true } }""")]
    [InlineData(WholeCache, """{ "mirror": { "mode": "off" } }""")]
    [InlineData(WholeCache, """{ "mirror": { "mode": "perUpstream", "caches": [{ "host": "docker.io", "port": 443 }] } }""")]
    [InlineData(Caches, """{ "mirror": { "caches": [{ "host": "docker.io", "port": 5001 }] } }""")]
    [InlineData(Caches, """{ "mirror": { "mode": "perUpstream", "caches": [{ "host": "ghcr.io", "port": 5002 }] } }""")]
    public void Create_SettingsThatFit_ArePlanned(string values, string registry) =>
        Assert.NotNull(Clusters.Plan(Clusters.With(registry), With(values)));

    [Fact]
    public void ClusterNodes_AdminsValues_AreCheckedAndNeverDecideWhatNodesGet()
    {
        var cluster = Clusters.With("""{ "mirror": { "strict": true } }""");

        var files = Assert.IsType<NodePlanResult.Wanted>(new ClusterNodes(cluster, With(Login), NodeFormat.V1).Plan()).Nodes;
        var same = Assert.IsType<NodePlanResult.Wanted>(new ClusterNodes(cluster, new RegistryOptions(), NodeFormat.V1).Plan()).Nodes;
        var problems = new ClusterNodes(cluster, With(Login), NodeFormat.V2).Validate();

        Assert.Equal(same.Files, files.Files);
        Assert.Contains("a login that nodes do not have", Problem.Describe(problems), StringComparison.Ordinal);
    }

    [Fact]
    public void ClusterNodes_StrictForSomeNodes_IsHeldAgainstTheAdminsValuesToo()
    {
        var nodes = new ClusterNodes(Clusters.With(), With(Login), NodeFormat.V2, checksValues: true);
        using var value = System.Text.Json.JsonDocument.Parse("""{ "addons": { "registry": { "mirror": { "strict": true } } } }""");

        Assert.IsType<NodePlanResult.Wanted>(nodes.Plan());
        Assert.IsType<NodePlanResult.Invalid>(nodes.PlanFor(value.RootElement));
    }

    [Fact]
    public void Plan_LoginsAndCaches_SaysWhatNodesDo()
    {
        var refused = RegistryPlanText.Write(Clusters.With(), With(Login), NodeFormat.V2).Yaml!;
        var unused = RegistryPlanText.Write(Clusters.With(), With(Caches), NodeFormat.V2).Yaml!;
        var all = RegistryPlanText.Write(Clusters.With("""
            { "auth": { "generate": true }, "mirror": { "caches": [{ "host": "docker.io", "port": 5001 }],
              "fallbacks": [{ "url": "https://mirror.example.com/v2", "loginSecretName": "mirror" }] } }
            """), With(Caches), NodeFormat.V2).Yaml!;
        var strict =
            RegistryPlanText.Write(Clusters.With("""{ "mirror": { "strict": true } }"""), new RegistryOptions(), NodeFormat.V1).Yaml!;

        Assert.Contains("https://10.96.0.20/v2 (refused: it asks for a login, and nodes have none)", refused, StringComparison.Ordinal);
        Assert.Contains("# Warning: The registry asks for a login that nodes do not have", refused, StringComparison.Ordinal);
        Assert.Contains("# Warning: No node uses the cache of ghcr.io at port 5002; add it to", unused, StringComparison.Ordinal);
        Assert.Contains("""
            docker.io:
            - "https://10.96.0.20/v2 (with the generated login)"
            - "https://10.96.0.21/v2 (with the generated login)"
            - "https://10.96.0.20:5001/v2 (with the generated login)"
            - "https://mirror.example.com/v2 (with the login of its Secret)"
            - "upstream"
            """, all, StringComparison.Ordinal);
        Assert.DoesNotContain("- \"upstream\"", strict, StringComparison.Ordinal);
    }

    private static RegistryOptions With(string values)
    {
        var options = new RegistryOptions { ChartVersion = "0.1.0" };
        options.Defaults.Replace(values);
        return options;
    }
}
