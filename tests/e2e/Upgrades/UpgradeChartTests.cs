using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Upgrades;

/// <summary>Both charts from each version before to this one and back, by the real Helm on a real API server (without nodes).</summary>
public sealed class UpgradeChartTests
{
    public static TheoryData<string, string> Versions =>
        [.. ReleaseFixture.Versions.SelectMany(_ => (string[])["helm3", "helm4"], (version, tool) => (version, tool))];

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task EarlierChart_UpgradedAndRolledBack_KeepsItsObjects(string version, string tool)
    {
        await using var server = await RealApiServer.StartAsync(
            "upgrade", await KubernetesBinaries.EnsureAsync(Console.Error, CancellationToken), CancellationToken);
        await using var kubectl = await KubectlProgram.ForAsync(server, CancellationToken);
        await kubectl.InstallDefinitionsAsync(CancellationToken);
        foreach (var (chart, @namespace) in new[] { ("capi-registry-hook", HookService.Namespace), ("registry", "registry-system") })
        {
            await using var helm = await HelmClient.ForAsync(tool, server.Kubeconfig, @namespace, CancellationToken);
            await helm.RunAsync(
                CancellationToken, "install", chart, ReleaseFixture.FileOf(version, $"{chart}-{version}.tgz"), "--create-namespace");
            var earlier = await ReadAsync(kubectl, chart);

            await helm.RunAsync(CancellationToken, "upgrade", chart, ChartFolder.Open(chart).Path);
            var today = await ReadAsync(kubectl, chart);
            await helm.RunAsync(CancellationToken, "rollback", chart, "1");
            var back = await ReadAsync(kubectl, chart);

            Assert.NotEmpty(earlier);
            // The same objects, not new ones of the same name: pods and volumes stay.
            Assert.Empty(earlier.Except(today));
            Assert.Empty(earlier.Except(back));
        }
    }

    /// <summary>What a release is made of, with the ids that the API server gave.</summary>
    private static async Task<List<string>> ReadAsync(KubectlProgram kubectl, string release)
    {
        var list = JsonNode.Parse(await kubectl.RunAsync(
            CancellationToken, "get", "deployments,statefulsets,services,serviceaccounts,clusterroles,roles,extensionconfigs,certificates",
            "--all-namespaces", $"--selector=app.kubernetes.io/instance={release}", "--output=json"))!;
        return [.. list["items"]!.AsArray().Select(item => $"{item!["kind"]} {item["metadata"]!["name"]} {item["metadata"]!["uid"]}")];
    }
}
