using CapiRegistryHook.EndToEnd.Tests.Delivery;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.Soak.Tests.Delivery;

/// <summary>
/// One push to twenty Clusters whose API servers are real: a management cluster, and five workload clusters that they share.
/// </summary>
public sealed class RealFleetPushTests(ITestOutputHelper output)
{
    private const int Reachable = 17;
    private const int Serving = 3;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Push_TwentyClustersOfWhichThreeAreUnreachable_SeventeenFinishAndThreeLinesSayWhyNot()
    {
        var binaries = await KubernetesBinaries.EnsureAsync(Console.Error, Cancelled);
        await using var site = EmbeddedSite.StartOn(await RealApiServer.StartAsync("management", binaries, Cancelled));
        var workloads = new List<RealSiteCluster>();
        try
        {
            for (var number = 0; number < Serving + 2; number++)
                workloads.Add(await RealSiteCluster.StartAsync($"w{number}", Cancelled));
            for (var number = 0; number < Reachable; number++)
                await AddAsync(site, $"c{number:D2}", workloads[number % Serving]);
            // No kubeconfig yet; an API server that is gone; a node that is gone.
            await site.AddClusterAsync("no-kubeconfig", ServerIdentity.Create(["none"], []).RootPem, Cancelled);
            await AddAsync(site, "gone", workloads[Serving]);
            await workloads[Serving].Api.StopApiServerAsync();
            await AddAsync(site, "silent", workloads[Serving + 1]);
            await workloads[Serving + 1].Kubelet.DisposeAsync();
            await PushAsync(site, workloads);
        }
        finally
        {
            foreach (var workload in workloads)
                await workload.DisposeAsync();
        }
    }

    private async Task PushAsync(EmbeddedSite site, List<RealSiteCluster> workloads)
    {
        var images = new LayoutImages(site.Folder["layout"], seed: 5);
        for (var number = 0; number < 3; number++)
            images.Add($"docker.io/test/image-{number}:1", images.Random(1_000_000));

        var run = await site.RunAsync(Cancelled, ["push", images.Folder, "--all", "--parallel", "8", .. site.Access]);

        output.WriteLine(run.Errors);
        Assert.Equal(1, run.ExitCode);
        var lines = run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.Contains(" blobs, ")).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(["default/gone", "default/no-kubeconfig", "default/silent"], lines.Select(line => line.Split(": ")[0]));
        Assert.Equal(Reachable, run.Output.Split('\n').Count(line => line.Contains("  complete  3 ", StringComparison.Ordinal)));
        foreach (var workload in workloads.Take(Serving))
            Assert.NotNull(await workload.Registry.Client.ResolveAsync("test/image-2", "1", Cancelled));
    }

    private static async Task AddAsync(EmbeddedSite site, string name, RealSiteCluster workload)
    {
        await site.AddClusterAsync(name, workload.Registry.RootPem, Cancelled);
        await site.WriteKubeconfigAsync(name, workload.Api.Kubeconfig, Cancelled);
    }
}
