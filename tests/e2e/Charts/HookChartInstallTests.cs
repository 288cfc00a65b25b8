using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>The service's own chart through the life of a release, by the real Helm on a real API server (without nodes).</summary>
public sealed partial class HookChartInstallTests
{
    private const string Kinds =
        "deployments,services,serviceaccounts,clusterroles,clusterrolebindings,networkpolicies,poddisruptionbudgets,certificates,issuers,extensionconfigs,configmaps";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("helm3")]
    [InlineData("helm4")]
    public async Task Release_InstalledUpgradedRemoved_LeavesNothing(string tool)
    {
        await using var server =
            await RealApiServer.StartAsync(
                "install", await KubernetesBinaries.EnsureAsync(Console.Error, CancellationToken), CancellationToken);
        await using var kubectl = await KubectlProgram.ForAsync(server, CancellationToken);
        await using var helm = await HelmClient.ForAsync(tool, server.Kubeconfig, HookService.Namespace, CancellationToken);
        await kubectl.InstallDefinitionsAsync(CancellationToken);

        var installed = await helm.RunAsync(
            CancellationToken, "install", HookChart.Release, HookChart.Folder.Path, "--create-namespace", "--set",
            "metrics.serviceMonitor.enabled=true");
        var extension = await GetAsync(kubectl, "extensionconfig", "{.apiVersion} {.metadata.annotations}");
        var upgraded = await helm.RunAsync(
            CancellationToken, "upgrade", HookChart.Release, HookChart.Folder.Path, "--set", "variable.path=platform.images", "--set",
            "replicas=3",
            "--set", "extensionConfig.namespaceSelector.matchLabels.registries=yes");
        var replicas = await GetAsync(kubectl, "deployment", "{.spec.replicas} {.spec.template.spec.containers[0].args}");
        var monitors = await kubectl.RunAsync(CancellationToken, "get", "servicemonitors", "--all-namespaces", "--output=name");
        var selector = await GetAsync(kubectl, "extensionconfig", "{.spec.namespaceSelector}");
        await helm.RunAsync(CancellationToken, "uninstall", HookChart.Release);
        var left = await kubectl.RunAsync(
            CancellationToken, "get", Kinds, "--all-namespaces", "--selector=app.kubernetes.io/instance=capi-registry-hook",
            "--output=name");

        Assert.StartsWith("runtime.cluster.x-k8s.io/v1beta2", extension, StringComparison.Ordinal);
        Assert.Contains("capi-registry-hook-system/capi-registry-hook-tls", extension, StringComparison.Ordinal);
        Assert.StartsWith("3 ", replicas, StringComparison.Ordinal);
        Assert.Contains("--variable-path=platform.images", replicas, StringComparison.Ordinal);
        Assert.Equal("", monitors.Trim());
        Assert.Contains("registries", selector, StringComparison.Ordinal);
        Assert.Contains(
            "kubectl wait --for=condition=Discovered --timeout=2m extensionconfig/capi-registry-hook", installed, StringComparison.Ordinal);
        var page = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Find(), "docs", "clusterclass.md"), CancellationToken);
        Assert.All(Wiring().Matches(page).Take(3), line => Assert.Contains(line.Value, installed, StringComparison.Ordinal));
        Assert.Contains("           platform:\n             images: {}\n", upgraded, StringComparison.Ordinal);
        Assert.Equal("", left.Trim());
    }

    private static Task<string> GetAsync(KubectlProgram kubectl, string kind, string path) =>
        kubectl.RunAsync(
            CancellationToken, "get", kind, HookChart.Release, $"--namespace={HookService.Namespace}", $"--output=jsonpath={path}");

    /// <summary>The lines of a ClusterClass that name a handler.</summary>
    [GeneratedRegex(@"[a-zA-Z]+Extension: [a-z0-9.-]+")]
    private static partial Regex Wiring();
}
