using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Charts;
using CapiRegistryHook.EndToEnd.Tests.Cluster;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>Declared content on its way into a registry of the chart on a real cluster, and from there onto a node.</summary>
[Collection(OnOneNode.Name)]
public sealed class SyncOnClusterTests(SharedCluster shared)
{
    private const string Image = "docker.io/test/app";
    private const string Hosts = "/etc/containerd/sync-certs.d";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Content_OnARealCluster_FillsFollowsATagAndHealsALostVolume()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-system", Cancelled);
        await release.InstallAsync(
            $$$"""{"replicas": 1, "storage": {"type": "emptyDir"}, "service": {"clusterIPs": ["{{{RegistryRelease.PullAddress}}}"]}}""",
            Cancelled);
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled);
        var other = await site.AddAsync("other", 1, Cancelled);
        await site.AddClusterAsync("real", release.RootPem, Cancelled);
        await site.WriteKubeconfigAsync("real", release.Kubeconfig, Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        var first = await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled);
        await using var sync = await RunningSync.StartAsync(site, Cancelled);

        await SyncSite.CreateAsync(site, SyncSite.Content("base", source, $"{Image}:1"), Cancelled);
        var complete = await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled);
        Assert.Equal("""{"matched":2,"complete":2,"failing":0}""", complete["status"]!["clusters"]!.ToJsonString());
        Assert.Equal(first, (await other.Replicas[0].Client.ResolveAsync("test/app", "1", Cancelled))!.Digest.ToString());
        await OnNodeAsync(release, () => FetchAsync(release, sync, first));

        var moved = await SyncSite.PutImageAsync(site, source, "test/app", "1", 2, Cancelled);
        await OnNodeAsync(release, () => FetchAsync(release, sync, moved));

        // The volume of a pod of its own goes with the pod.
        var kubectl = new Kubectl((await shared.GetAsync()).KubeconfigFile);
        (await kubectl.RunAsync(Cancelled, "--namespace", "registry-system", "delete", "pod", "registry-0", "--grace-period=1"))
            .OutputOfSuccess();
        await OnNodeAsync(release, () => FetchAsync(release, sync, moved));
        await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled);
    }

    /// <summary>The pods fetch from a registry outside of the cluster what the syncer only names, and follow a tag.</summary>
    [Fact]
    public async Task Content_ThatIsPulled_IsFetchedByThePods()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-system", Cancelled);
        await release.InstallAsync("""{"replicas": 1, "storage": {"type": "emptyDir"}, "sync": {"pull": true}}""", Cancelled);
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        var host = (await shared.GetAsync()).HostAddress;
        await using var source = await RealRegistry.StartAsync(Cancelled, address: host);
        await site.AddClusterAsync("real", release.RootPem, Cancelled);
        await site.WriteKubeconfigAsync("real", release.Kubeconfig, Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        var first = await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled);
        await using var sync = await RunningSync.StartAsync(
            site, Cancelled, "--sync-source-allow-cidrs", $"127.0.0.0/8,{host}/32");

        var content = SyncSite.Content("base", source, $"{Image}:1");
        content["spec"]!["delivery"] = "Pull";
        await SyncSite.CreateAsync(site, content, Cancelled);
        var complete = await UntilCompleteAsync(former: null);
        await release.WaitForImageAsync(0, "test/app:1", first, credentials: null, Cancelled);
        Assert.Equal("", await SourcesAsync());
        Assert.InRange(await sync.MetricAsync("capi_registry_hook_sync_sent_bytes_total", Cancelled), 1, 10_000);

        var moved = await SyncSite.PutImageAsync(site, source, "test/app", "1", 2, Cancelled);
        await UntilCompleteAsync((string)complete["status"]!["lock"]!["digest"]!);
        await release.WaitForImageAsync(0, "test/app:1", moved, credentials: null, Cancelled);

        async Task<JsonObject> UntilCompleteAsync(string? former)
        {
            JsonObject? now = null;
            var asked = 0L;
            await Polling.UntilAsync("the registry holds the content", async () =>
            {
                // The kubelet writes a Secret's files within a minute or two, and at once when it looks at the pod for another reason.
                if (TimeProvider.System.GetElapsedTime(asked) > TimeSpan.FromSeconds(3) && await SourcesAsync() != "")
                {
                    asked = TimeProvider.System.GetTimestamp();
                    await release.KubectlAsync(Cancelled, "annotate", "--overwrite", "pod/registry-0", $"test/asked={asked}");
                }

                now = await site.Admin.GetAsync(SyncSite.Contents("default"), "base", Cancelled);
                return (string?)SyncSite.Condition(now, "Ready")?["reason"] == "Complete"
                    && (string?)now["status"]!["lock"]?["digest"] != former;
            }, () => now?["status"]?.ToJsonString() + sync.Log, Cancelled);
            return now!;
        }

        Task<string> SourcesAsync() => release.KubectlAsync(
            Cancelled, "get", "secret/registry-sources", "--ignore-not-found", "--output=jsonpath={.metadata.resourceVersion}");
    }

    /// <summary>The node fetches the tag until it has this digest.</summary>
    private static Task FetchAsync(RegistryRelease release, RunningSync sync, string digest) =>
        Polling.UntilAsync("the node pulls the image", async () =>
        {
            var pull = await release.Node.PullAsync($"{Image}@{digest}", Cancelled, Hosts);
            await release.Node.RemoveImageAsync($"{Image}@{digest}", Cancelled);
            return pull.ExitCode == 0;
        }, () => sync.Log, Cancelled);

    private static async Task OnNodeAsync(RegistryRelease release, Func<Task> act)
    {
        await release.Node.WriteFileAsync($"{Hosts}/docker.io/ca.crt", release.RootPem, Cancelled);
        await release.Node.WriteFileAsync($"{Hosts}/docker.io/hosts.toml", $"""
            [host."https://{RegistryRelease.PullAddress}"]
              capabilities = ["pull", "resolve"]
              ca = "{Hosts}/docker.io/ca.crt"
            """, Cancelled);
        try
        {
            await act();
        }
        finally
        {
            await release.Node.RemoveAsync(Hosts, CancellationToken.None);
        }
    }
}
