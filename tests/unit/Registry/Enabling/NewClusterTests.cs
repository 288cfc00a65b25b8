using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Enabling;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Registry.Enabling;

/// <summary>What auto-enable does with every form of a new Cluster.</summary>
public sealed class NewClusterTests
{
    private const string V1 = "\"class\": \"prod\"";
    private const string V2 = "\"classRef\": {\"name\": \"prod\"}";
    private static readonly RegistryOptions Options = new() { AutoEnable = AutoEnableMode.On };

    [Theory]
    [InlineData(V1, null,
        """{"op":"add","path":"/spec/topology/variables","value":[{"name":"clusterConfig","value":{"addons":{"registry":{}}}}]}""")]
    [InlineData(V2, "null",
        """{"op":"add","path":"/spec/topology/variables","value":[{"name":"clusterConfig","value":{"addons":{"registry":{}}}}]}""")]
    [InlineData(V1, "[]",
        """{"op":"add","path":"/spec/topology/variables/-","value":{"name":"clusterConfig","value":{"addons":{"registry":{}}}}}""")]
    [InlineData(V2, """[{"name":"other","value":1}]""",
        """{"op":"add","path":"/spec/topology/variables/-","value":{"name":"clusterConfig","value":{"addons":{"registry":{}}}}}""")]
    [InlineData(V1, """[{"name":"other","value":1},{"name":"clusterConfig","value":{}}]""",
        """{"op":"add","path":"/spec/topology/variables/1/value/addons","value":{"registry":{}}}""")]
    [InlineData(V2, """[{"name":"clusterConfig","value":{"a":1,"addons":{"cni":{}}}}]""",
        """{"op":"add","path":"/spec/topology/variables/0/value/addons/registry","value":{}}""")]
    [InlineData(V1, """[{"name":"clusterConfig","definitionFrom":"x","value":{"addons":{}}}]""",
        """{"op":"add","path":"/spec/topology/variables/0/value/addons/registry","value":{}}""")]
    public void Evaluate_FieldIsNotThere_AddsItAlone(string classField, string? variables, string operation)
    {
        var eligible = Assert.IsType<NewCluster.Eligible>(NewCluster.Evaluate(Cluster(classField, variables), Options));

        Assert.Equal($"[{operation}]", eligible.Patch.ToJsonString());
        Assert.Equal("team-a/prod", eligible.Class.ToString());
    }

    [Theory]
    [InlineData("""[{"name":"clusterConfig","value":{"addons":{"registry":{}}}}]""")]
    [InlineData("""[{"name":"clusterConfig","value":{"addons":{"registry":{"replicas":3}}}}]""")]
    [InlineData("""[{"name":"clusterConfig","value":{"addons":{"registry":null}}}]""")]
    [InlineData("""[{"name":"clusterConfig","value":{"addons":{"registry":false}}}]""")]
    [InlineData("""[{"name":"clusterConfig","value":{"addons":null}}]""")]
    [InlineData("""[{"name":"clusterConfig","value":{"addons":[]}}]""")]
    [InlineData("""[{"name":"clusterConfig","value":null}]""")]
    [InlineData("""[{"name":"clusterConfig","value":"x"}]""")]
    [InlineData("""[{"name":"clusterConfig"}]""")]
    [InlineData("""[{"name":"clusterConfig","value":{}},{"name":"clusterConfig","value":{}}]""")]
    public void Evaluate_AnythingIsThere_LeavesItAlone(string variables) =>
        Assert.Contains("clusterConfig.addons.registry", LeftAlone(Cluster(V1, variables)), StringComparison.Ordinal);

    [Theory]
    [InlineData("", "{}", "no topology")]
    [InlineData("", """{"topology":null}""", "no topology")]
    [InlineData("", """{"topology":{}}""", "no ClusterClass")]
    [InlineData("", """{"topology":{"class":""}}""", "no ClusterClass")]
    [InlineData("", """{"topology":{"class":"../x"}}""", "no ClusterClass")]
    [InlineData("", """{"topology":{"classRef":{"name":"a","namespace":"a/b"}}}""", "no ClusterClass")]
    [InlineData("", """{"topology":{"class":"prod"},"controlPlaneRef":{"name":"x"}}""", "moved or restored")]
    [InlineData("", """{"topology":{"class":"prod"},"infrastructureRef":{"name":"x"}}""", "moved or restored")]
    [InlineData(""","annotations":{"capi-registry-hook.io/skip-auto-enable":""}""", """{"topology":{"class":"prod"}}""",
        "skip-auto-enable")]
    public void Evaluate_ClusterIsOfAnotherKind_LeavesItAlone(string metadata, string spec, string reason) => Assert.Contains(
        reason, LeftAlone(Clusters.Read($$"""{"metadata":{"name":"c1","namespace":"team-a"{{metadata}}},"spec":{{spec}}}""")),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"topology":{"class":"prod","classNamespace":"shared"}}""", "shared/prod")]
    [InlineData("""{"topology":{"classRef":{"name":"prod","namespace":"shared"}}}""", "shared/prod")]
    [InlineData("""{"topology":{"class":"prod"},"controlPlaneRef":{}}""", "team-a/prod")]
    public void Evaluate_ClassReference_IsTheOneOfItsVersion(string spec, string name) => Assert.Equal(
        name, Assert.IsType<NewCluster.Eligible>(NewCluster.Evaluate(
            Clusters.Read($$"""{"metadata":{"name":"c1","namespace":"team-a"},"spec":{{spec}}}"""), Options)).Class.ToString());

    [Fact]
    public void Evaluate_OtherLocationAndSettings_AreWrittenWithAnEscapedPointer()
    {
        var options = Options with { VariableName = "x", VariablePath = "a/b.c~d", AutoEnableSettings = """{"replicas":3}""" };

        var eligible = Assert.IsType<NewCluster.Eligible>(
            NewCluster.Evaluate(Cluster(V1, """[{"name":"x","value":{"a/b":{}}}]"""), options));

        Assert.Equal("""[{"op":"add","path":"/spec/topology/variables/0/value/a~1b/c~0d","value":{"replicas":3}}]""",
            eligible.Patch.ToJsonString());
        Assert.Empty(options.Validate());
    }

    [Theory]
    [InlineData("[]", "must be an object")]
    [InlineData("""{"replicas":99}""", "replicas")]
    [InlineData("""{"unknown":1}""", "unknown")]
    [InlineData("nonsense", "JSON object")]
    [InlineData("", "JSON object")]
    public void Validate_SettingsThatCantBeUsed_AreNamed(string settings, string word)
    {
        var problem = Assert.Single((Options with { AutoEnableSettings = settings }).Validate());

        Assert.Equal(nameof(RegistryOptions.AutoEnableSettings), problem.Field);
        Assert.Contains(word, problem.Sentence, StringComparison.Ordinal);
    }

    /// <summary>Whoever calls again with the result is left alone, and the plan is that of a Cluster that asks itself.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("""[{"name":"clusterConfig","value":{"addons":{}}}]""")]
    public void Enable_Twice_IsLeftAlone(string? variables)
    {
        var enabled = NewCluster.Enable(Cluster(V1, variables), Options with { AutoEnableSettings = """{"replicas":3}""" });

        LeftAlone(enabled);
        Assert.Equal(3, Clusters.Plan(enabled).Basis.Settings.Replicas);
    }

    [Fact]
    public void Plan_ClusterWithoutASetting_SaysWhatAutoEnableDoes()
    {
        var enabled = RegistryPlanText.Write(
            Cluster(V1, null), Options with { AutoEnableSettings = """{"replicas":3}""" }, NodeFormat.V2).Yaml!;
        var skipped = RegistryPlanText.Write(
            Clusters.Read("""{"metadata":{"name":"c1","namespace":"team-a"},"spec":{}}"""), Options, NodeFormat.V2).Yaml!;
        var off = RegistryPlanText.Write(Cluster(V1, null), new RegistryOptions(), NodeFormat.V2).Yaml!;

        Assert.StartsWith(
            off + "# Auto-enable sets it to {\"replicas\":3} when the Cluster is created, if the ClusterClass team-a/prod has the variable "
                + "and the selectors of the webhook match. Then:\n# Cluster team-a/c1\n", enabled, StringComparison.Ordinal);
        Assert.Contains("HelmChartProxy", enabled, StringComparison.Ordinal);
        Assert.EndsWith("# Auto-enable leaves it alone. The Cluster has no topology.\n", skipped, StringComparison.Ordinal);
    }

    private static string LeftAlone(Cluster cluster) =>
        Assert.IsType<NewCluster.LeftAlone>(NewCluster.Evaluate(cluster, Options)).Reason;

    private static Cluster Cluster(string classField, string? variables) => Clusters.Read(
        $$"""
        {
          "metadata": { "name": "c1", "namespace": "team-a", "uid": "8d53b13a-1537-4b39-910e-2aaf6a9bc625" },
          "spec": { "topology": { {{classField}}{{(variables is null ? "" : $", \"variables\": {variables}")}} } }
        }
        """);
}
