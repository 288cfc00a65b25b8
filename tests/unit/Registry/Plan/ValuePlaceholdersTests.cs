using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Unit.Tests.Registry.Plan;

public sealed class ValuePlaceholdersTests
{
    [Theory]
    [InlineData("${cluster}", "c1")]
    [InlineData("registries/${namespace}/${cluster}", "registries/team-a/c1")]
    [InlineData("${cluster}${cluster}", "c1c1")]
    [InlineData("$${cluster}", "${cluster}")]
    [InlineData("$${HOME}/${cluster}", "${HOME}/c1")]
    [InlineData("$cluster {cluster} $$ $", "$cluster {cluster} $$ $")]
    [InlineData("{{ ${cluster} }}", "{{ c1 }}")]
    public void Fill_Text_ReplacesPlaceholdersOnly(string text, string expected)
    {
        var values = new JsonObject { ["a"] = new JsonArray(new JsonObject { ["b"] = text }), ["n"] = 1 };

        Assert.Equal(
            new JsonObject { ["a"] = new JsonArray(new JsonObject { ["b"] = expected }), ["n"] = 1 }.ToJsonString(),
            ValuePlaceholders.Fill(values, new NamespacedName("team-a", "c1")).ToJsonString());
        Assert.Empty(ValuePlaceholders.FindProblems(values));
    }

    [Fact]
    public void Plan_Placeholders_AreFilledForEachCluster()
    {
        var options = new RegistryOptions();
        options.Defaults.Replace("ingress: {enabled: true, hosts: [\"${cluster}.${namespace}.example.com\"]}");

        Assert.Equal("c1.team-a.example.com", Host(Clusters.Plan(Clusters.With(), options)));
        Assert.Equal("c2.team-a.example.com", Host(Clusters.Plan(Clusters.With(name: "c2"), options)));
    }

    [Fact]
    public void Plan_FilledValueThatTheChartRefuses_IsTheClustersProblem()
    {
        var options = new RegistryOptions();
        options.Defaults.Replace(
            "pullThrough: {upstreams: [{host: \"${cluster}.${cluster}.${cluster}.${cluster}.io\", remoteURL: \"https://a.io\", port: 5001}]}");

        Assert.Contains(
            "upstreams[0].host", Clusters.Problems(Clusters.With(name: new string('a', 63)), options), StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_FilledValueBesideATemplate_ComesOutAsItWasWritten()
    {
        var options = new RegistryOptions();
        options.Defaults.Replace("podAnnotations: {note: \"{{ $${x} ${cluster} }}\"}");

        var template = YamlText.WriteTemplate(ChartValues.Build(Clusters.Plan(Clusters.With(), options), "0"));

        Assert.Equal("{{ ${x} c1 }}", (string?)ReadBack(template)["podAnnotations"]!["note"]);
        Assert.DoesNotContain("{{ $", template, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_PrimaryReplica_IsThatOfTheClusterAndMustExist()
    {
        var options = new RegistryOptions();
        options.Defaults.Replace("sync: {primary: 1}");

        Assert.Equal("1", Primary(Clusters.Plan(Clusters.With(), options)));
        Assert.Equal("2", Primary(Clusters.Plan(Clusters.With("""{ "replicas": 3, "primaryReplica": 2 }"""), options)));
        Assert.Equal(
            "The variable clusterConfig.addons.registry.primaryReplica, or the admin's value sync.primary, is 1, but the registry has "
                + "1 replica, counted from 0; name one of them.",
            Clusters.Problems(Clusters.With("""{ "replicas": 1 }"""), options));
        Assert.Contains("is 2, but the registry has 2 replicas", Clusters.Problems(Clusters.With("""{ "primaryReplica": 2 }""")),
            StringComparison.Ordinal);
    }

    private static string? Primary(RegistryPlan plan) => ChartValues.Build(plan, "0")["sync"]!["primary"]!.ToJsonString();

    private static JsonObject ReadBack(string template) => CapiRegistryHook.Registry.Chart.InstalledVolumes.Read(template)!;

    private static string? Host(RegistryPlan plan) => (string?)ChartValues.Build(plan, "0")["ingress"]!["hosts"]![0];
}
