using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Registry.Clients;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>Faults around the syncer: never a tag without its blobs, never a lock before what it names.</summary>
public sealed class SyncFaultTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Source_Gone_KeepsWhatIsThereAndComesBack()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        var digest = await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled);
        await SyncSite.CreateAsync(site, SyncSite.Content("base", source, "docker.io/test/app:1"), Cancelled);
        await using var sync = await RunningSync.StartAsync(site, Cancelled);
        await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled);

        await source.StopAsync();
        await UntilAsync(site, sync, content => (string?)SyncSite.Condition(content, "SourceReady")?["reason"] == "SourceUnavailable");
        var without = await site.Admin.GetAsync(SyncSite.Contents("default"), "base", Cancelled);
        Assert.Equal("True", (string)SyncSite.Condition(without, "Ready")!["status"]!);
        await cluster.Replicas[0].WipeAsync(Cancelled);
        var failing = await SyncSite.WaitAsync(site, sync, "base", "ClustersFailing", Cancelled);
        Assert.Equal("default/one", (string)failing["status"]!["failing"]![0]!["cluster"]!);
        Assert.Contains("can't be reached", (string)failing["status"]!["failing"]![0]!["reason"]!, StringComparison.Ordinal);
        Assert.False(await SyncInvariants.CheckAsync(cluster.Replicas[0], "default.base", Cancelled));

        await source.RestartAsync(Cancelled);
        await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled);
        Assert.Equal(digest, (await cluster.Replicas[0].Client.ResolveAsync("test/app", "1", Cancelled))!.Digest.ToString());
        Assert.True(await SyncInvariants.CheckAsync(cluster.Replicas[0], "default.base", Cancelled));
    }

    /// <summary>A slow line makes the copy long enough for the tag to move meanwhile.</summary>
    [Fact]
    public async Task Tag_MovesDuringTheCopy_IsCopiedWholeAndFollowedLater()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        var first = await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled, size: 500_000);
        await SyncSite.CreateAsync(site, SyncSite.Content("base", source, "docker.io/test/app:1"), Cancelled);
        await using var sync = await RunningSync.StartAsync(site, Cancelled, "--sync-cluster-bandwidth", "300");
        await Polling.UntilAsync("an upload has begun", () => Task.FromResult(cluster.Replicas[0].Requests > 3), () => sync.Log, Cancelled);

        var moved = await SyncSite.PutImageAsync(site, source, "test/app", "1", 2, Cancelled, size: 500_000);
        var seen = new List<string>();
        await Polling.UntilAsync("the registry follows", async () =>
        {
            await SyncInvariants.CheckAsync(cluster.Replicas[0], "default.base", Cancelled);
            if ((await cluster.Replicas[0].Client.ResolveAsync("test/app", "1", Cancelled))?.Digest.ToString() is { } now
                && now != seen.LastOrDefault())
                seen.Add(now);
            return seen.Contains(moved);
        }, () => sync.Log, Cancelled);

        Assert.Equal(moved, seen[^1]);
        Assert.Empty(seen.Except([first, moved]));
        await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled);
        Assert.True(await SyncInvariants.CheckAsync(cluster.Replicas[0], "default.base", Cancelled));
    }

    /// <summary>At this bandwidth all of it would take minutes; what is not there when the work ends was not sent.</summary>
    [Fact]
    public async Task Content_SuspendedWhileItIsSent_IsNotSentAnyFurther()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled, size: 500_000);
        await SyncSite.CreateAsync(site, SyncSite.Content("base", source, "docker.io/test/app:1"), Cancelled);
        await using var sync = await RunningSync.StartAsync(site, Cancelled, "--sync-cluster-bandwidth", "10");
        await Polling.UntilAsync("an upload has begun", () => Task.FromResult(cluster.Replicas[0].Requests > 3), () => sync.Log, Cancelled);

        await site.Admin.MergePatchAsync(
            SyncSite.Contents("default"), "base", new JsonObject { ["spec"] = new JsonObject { ["suspend"] = true } }, Cancelled);
        await SyncSite.WaitAsync(site, sync, "base", "Suspended", Cancelled);
        await Polling.UntilAsync("nothing is worked on",
            async () => await sync.MetricAsync("capi_registry_hook_sync_running", Cancelled) == 0, () => sync.Log, Cancelled);

        Assert.Null(await cluster.Replicas[0].Client.ResolveAsync("test/app", "1", Cancelled));
        Assert.Equal(0, await sync.EndAsync(Cancelled));
    }

    [Theory]
    [InlineData(507)]
    [InlineData(500)]
    public async Task Target_Full_FailsAloneWithAReason(int status)
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled);
        var healthy = await site.AddAsync("healthy", 1, Cancelled);
        await using var behind = await SiteCluster.StartAsync("full", 1, login: null, deletes: true, Cancelled);
        var identity = ServerIdentity.Create(["localhost", ClusterRegistry.ServerName], ["127.0.0.1"]);
        using var certificate = X509Certificate2.CreateFromPem(identity.CertificatePem, identity.KeyPem);
        await using var full = await DiscardingRegistry.StartAsync(certificate, Cancelled);
        full.RefusesBlobs = status;
        behind.Api.LeadPod("registry-system", "registry-0", full.Address.Port);
        await site.AddClusterAsync("full", identity.RootPem, Cancelled);
        await site.WriteKubeconfigAsync("full", behind.Api.Kubeconfig, Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled);
        await SyncSite.CreateAsync(site, SyncSite.Content("base", source, "docker.io/test/app:1"), Cancelled);

        await using var sync = await RunningSync.StartAsync(site, Cancelled);
        JsonElement content = default;
        await UntilAsync(site, sync, found =>
        {
            content = JsonSerializer.Deserialize<JsonElement>(found.ToJsonString());
            return (int?)found["status"]?["clusters"]?["complete"] == 1 && (int?)found["status"]?["clusters"]?["failing"] == 1;
        });

        var failing = content.GetProperty("status").GetProperty("failing")[0];
        Assert.Equal("default/full", failing.GetProperty("cluster").GetString());
        Assert.Contains($"{status}", failing.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, full.Manifests);
        Assert.True(await SyncInvariants.CheckAsync(healthy.Replicas[0], "default.base", Cancelled));
    }

    /// <summary>Both API servers go away and come back, and every connection is cut, while content is on its way.</summary>
    [Fact]
    public async Task ApiServers_Flapping_HoldNothingUpForGood()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled, size: 500_000);
        await SyncSite.CreateAsync(site, SyncSite.Content("base", source, "docker.io/test/app:1"), Cancelled);
        await using var sync = await RunningSync.StartAsync(site, Cancelled, "--sync-cluster-bandwidth", "500");

        for (var round = 0; round < 4; round++)
        {
            var before = cluster.Api.Forwards;
            await Polling.UntilAsync(
                "the syncer connects", () => Task.FromResult(cluster.Api.Forwards > before || round > 2), () => sync.Log,
                Cancelled);
            cluster.Api.CutForwards();
            await cluster.Api.PauseAsync();
            if (round % 2 == 0)
                await site.Management.PauseAsync();
            await SyncInvariants.CheckAsync(cluster.Replicas[0], "default.base", Cancelled);
            await cluster.Api.ResumeAsync();
            if (round % 2 == 0)
                await site.Management.ResumeAsync();
        }

        await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled);
        Assert.True(await SyncInvariants.CheckAsync(cluster.Replicas[0], "default.base", Cancelled));
    }

    private static Task UntilAsync(EmbeddedSite site, RunningSync sync, Func<System.Text.Json.Nodes.JsonObject, bool> isSo) =>
        Polling.UntilAsync("the content's status", async () =>
            isSo(await site.Admin.GetAsync(SyncSite.Contents("default"), "base", Cancelled)), () => sync.Log, Cancelled);
}
