using CapiRegistryHook.EndToEnd.Tests.Charts;
using CapiRegistryHook.EndToEnd.Tests.Cluster;
using CapiRegistryHook.EndToEnd.Tests.Delivery;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Runbooks;

/// <summary>The runbook on lost registries, by the commands on its page, on a registry of the chart with real volumes.</summary>
[Collection(OnOneNode.Name)]
public sealed class RegistryRunbookTests(SharedCluster shared)
{
    private const string Values = """{"replicas": 2}""";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RegistryLost_ByThePage_HasItsContentAgain()
    {
        var page = DocumentationPage.Read("docs/runbooks/registry-lost.md");
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-system", Cancelled);
        await release.InstallAsync(Values, Cancelled);
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddClusterAsync("c1", release.RootPem, Cancelled);
        await site.WriteKubeconfigAsync("c1", release.Kubeconfig, Cancelled);
        var images = new LayoutImages(site.Folder["layout"], seed: 3);
        images.Add("docker.io/test/precious:1", images.Random(200_000));
        var push = await site.RunAsync(Cancelled, ["push", images.Folder, "--cluster", "default/c1", "--wait", .. site.Access]);
        Assert.True(push.ExitCode == 0, push.Errors);
        await using var shell = new DocumentationShell();
        shell.Write("management.kubeconfig", await File.ReadAllTextAsync(site.Folder["kubeconfig"], Cancelled));
        shell.Write("workload.kubeconfig", release.Kubeconfig);
        shell.AddProgram("capi-registry-hook", HookService.ProgramPath());
        shell.AddProgram("kubectl", await TestTools.PathOfAsync("kubectl"));

        await RunAsync("Make a backup");
        await RunAsync("One volume");
        await RunAsync("Check");

        await release.KubectlAsync(Cancelled, "scale", "statefulset/registry", "--replicas=0");
        await release.KubectlAsync(Cancelled, "delete", "pvc", "--all");
        await release.InstallAsync(Values, Cancelled);
        await release.KubectlAsync(Cancelled, "scale", "statefulset/registry", "--replicas=2");
        await release.Kubectl.WaitForRolloutAsync(release.Namespace, "statefulset/registry", TimeSpan.FromSeconds(120), Cancelled);
        Assert.NotEqual(0, (await shell.TryAsync(CommandsUnder("Check"), Cancelled)).ExitCode);
        await RunAsync("All of it");
        await RunAsync("Check");

        // The API server of a test listens on loopback, where a kubeconfig may lead only when the admin says so.
        string CommandsUnder(string heading) =>
            $"export REGISTRY_HOOK_WORKLOAD_ALLOW_CIDRS=127.0.0.0/8\n{string.Join('\n', page.CommandsUnder(heading))}";

        Task RunAsync(string heading) => shell.RunAsync(CommandsUnder(heading), Cancelled);
    }
}
