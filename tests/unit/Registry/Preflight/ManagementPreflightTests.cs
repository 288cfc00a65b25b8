using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Preflight;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Registry.Preflight;

/// <summary>Checks of Clusters that other people wrote.</summary>
public sealed class ManagementPreflightTests
{
    [Theory]
    [InlineData("../x", "team-a")]
    [InlineData("a/b", "team-a")]
    [InlineData("x", "a/b")]
    public async Task Run_ClassWithAnImpossibleName_SaysThatThereIsNone(string name, string @namespace)
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) => context.StatusAsync(404, "NotFound"));
        var cluster = Cluster.Describe("c1", "team-a", "u1", new ClusterSpec
        {
            Topology = new ClusterTopology { ClassRef = new ObjectName { Name = name, Namespace = @namespace } },
        });

        var findings = await new ManagementPreflight(fixture.Client, new RegistryOptions(), new InstalledService("e", "s"))
            .RunAsync(cluster, TestContext.Current.CancellationToken);

        Assert.Contains(findings, finding => finding is { Check: "cluster-class", Verdict: PreflightVerdict.Failed }
            && finding.Sentence.StartsWith("There is no ClusterClass", StringComparison.Ordinal));
    }
}
