using CapiRegistryHook.Harness;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Unit.Tests.Registry;

public sealed class ClusterManifestTests
{
    [Theory]
    [InlineData("v1beta1")]
    [InlineData("v1beta2")]
    public void Read_ClusterAmongOthers_IsFound(string version)
    {
        var clusters = ClusterManifest.Read($$"""
            kind: ConfigMap
            apiVersion: v1
            ---
            apiVersion: cluster.x-k8s.io/{{version}}
            kind: Cluster
            metadata: { name: c1 }
            spec:
              topology:
                version: v1.33.0
                variables:
                - name: clusterConfig
                  value: { addons: { registry: { replicas: 3 } } }
            ---
            """);

        var plan = Clusters.Plan(Assert.Single(clusters));
        Assert.Equal(3, plan.Replicas);
        Assert.Equal("default/c1-registry", plan.ChartProxy.ToString());
        Assert.Equal($"cluster.x-k8s.io/{version}", plan.Owner.ApiVersion);
    }

    [Theory]
    [InlineData("", "does not contain an object of kind Cluster")]
    [InlineData("just text", "does not contain an object of kind Cluster")]
    [InlineData("kind: Cluster\napiVersion: other/v1\n", "does not contain an object of kind Cluster")]
    [InlineData("a: [", "is not valid YAML")]
    [InlineData("apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {}\n", "no metadata.name")]
    [InlineData("apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {name: c}\nspec: 5\n",
        "cluster.spec of the Cluster has the wrong type")]
    [InlineData("a: &a [*a]", "nested too deeply")]
    public void Read_BadFile_SaysWhat(string yaml, string sentence) =>
        Assert.Contains(
            sentence, Assert.Throws<ClusterFormatException>(() => ClusterManifest.Read(yaml)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    public void Read_DeepNesting_IsRefused(string opening)
    {
        var yaml = string.Concat(Enumerable.Repeat(opening, 100_000));

        Assert.Throws<ClusterFormatException>(() => ClusterManifest.Read(yaml));
    }

    [Fact]
    public void Read_TheExampleInTheDocs_HasAPlanWithoutWarnings()
    {
        var text = File.ReadAllText(Path.Combine(RepositoryRoot.Find(), "docs", "examples", "cluster.yaml"));

        Assert.Empty(Clusters.Plan(Assert.Single(ClusterManifest.Read(text))).Warnings);
    }

    [Fact]
    public void Read_AliasesThatMultiply_AreRefused()
    {
        var lines = new List<string> { "a0: &a0 [x,x,x,x,x,x,x,x,x,x]" };
        for (var level = 1; level <= 9; level++)
            lines.Add($"a{level}: &a{level} [{string.Join(',', Enumerable.Repeat($"*a{level - 1}", 10))}]");

        Assert.Throws<ClusterFormatException>(() => ClusterManifest.Read(string.Join('\n', lines)));
    }
}
