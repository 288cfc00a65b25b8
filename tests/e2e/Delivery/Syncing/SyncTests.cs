using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>The published syncer fills the registries of clusters with what is declared, and keeps them so.</summary>
public sealed class SyncTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>The main job from the first content to its end: fill, follow a tag, heal, prune, suspend.</summary>
    [Fact]
    public async Task Content_OverItsLife_IsWhatTheRegistriesHold()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled);
        var one = await site.AddAsync("one", 1, Cancelled);
        var two = await site.AddAsync("two", 1, Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        var first = await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled);
        var other = await SyncSite.PutImageAsync(site, source, "test/tool", "2", 2, Cancelled);
        await using var sync = await RunningSync.StartAsync(site, Cancelled);

        await SyncSite.CreateAsync(
            site, SyncSite.Content("base", source, "docker.io/test/app:1", $"docker.io/test/tool:2@{other}"), Cancelled);
        var complete = await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled);
        foreach (var cluster in new[] { one, two })
        {
            Assert.Equal(first, await ResolveAsync(cluster, "test/app", "1"));
            Assert.Equal(other, await ResolveAsync(cluster, "test/tool", "2"));
            Assert.Equal((string)complete["status"]!["lock"]!["digest"]!, await LockAsync(cluster, "base"));
        }

        Assert.Equal("""{"matched":2,"complete":2,"failing":0}""", complete["status"]!["clusters"]!.ToJsonString());
        Assert.Equal(2, (int)complete["status"]!["lock"]!["entries"]!);
        Assert.NotNull(complete["status"]!["lastSyncTime"]);
        Assert.Equal("True", (string)SyncSite.Condition(complete, "SourceReady")!["status"]!);

        // A tag moves in the source, and the registries follow.
        var moved = await SyncSite.PutImageAsync(site, source, "test/app", "1", 3, Cancelled);
        await UntilAsync(sync, "the tag moved", async () =>
            await ResolveAsync(one, "test/app", "1") == moved && await ResolveAsync(two, "test/app", "1") == moved);

        // A registry that has lost its volume is filled again.
        await Task.WhenAll(WipeAsync(one), SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled));
        await UntilAsync(sync, "the lost registry is full", async () =>
            await ResolveAsync(one, "test/app", "1") == moved && await ResolveAsync(one, "test/tool", "2") == other
                && await LockAsync(one, "base") is not null);

        // Without prune a tag that left the lock stays, with it the tag goes.
        await PatchAsync(site, new JsonObject { ["lock"] = new JsonObject { ["content"] = new JsonArray("docker.io/test/app:1") } });
        await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled);
        Assert.Equal(other, await ResolveAsync(two, "test/tool", "2"));
        await PatchAsync(site, new JsonObject { ["lock"] =
            new JsonObject { ["content"] = new JsonArray("docker.io/test/app:1", $"docker.io/test/tool:2@{other}") } });
        await UntilAsync(sync, "both are listed again", async () =>
            (int)(await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled))["status"]!["lock"]!["entries"]! == 2);
        await PatchAsync(site, new JsonObject { ["prune"] = true, ["lock"] =
            new JsonObject { ["content"] = new JsonArray("docker.io/test/app:1") } });
        await UntilAsync(sync, "the tag is gone", async () => await ResolveAsync(two, "test/tool", "2") is null);
        Assert.Equal(moved, await ResolveAsync(two, "test/app", "1"));

        await PatchAsync(site, new JsonObject { ["suspend"] = true });
        await SyncSite.WaitAsync(site, sync, "base", "Suspended", Cancelled);
        Assert.Equal(0, await sync.EndAsync(Cancelled));
    }

    /// <summary>What is in sync costs one question for each Cluster and interval, and no write at all.</summary>
    [Fact]
    public async Task Content_InSync_CostsOneRequestForEachClusterAndInterval()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled);
        await using var sync = await RunningSync.StartAsync(site, Cancelled);
        await SyncSite.CreateAsync(site, SyncSite.Content("base", source, "docker.io/test/app:1"), Cancelled);
        var before = await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled);

        var (requests, checks) = await CountsAsync();
        await UntilAsync(sync, "five more checks", async () => await ChecksAsync() >= checks + 5);
        var (allRequests, allChecks) = await CountsAsync();
        (requests, checks) = (allRequests - requests, allChecks - checks);
        await sync.EndAsync(Cancelled);

        // A check that is going on has asked and does not count yet: each end may be off by one.
        Assert.InRange(requests, checks - 2, checks + 2);
        var after = await site.Admin.GetAsync(SyncSite.Contents("default"), "base", Cancelled);
        Assert.Equal((string)before["metadata"]!["resourceVersion"]!, (string)after["metadata"]!["resourceVersion"]!);

        async Task<(int Requests, double Checks)> CountsAsync()
        {
            (int Requests, double Checks) counts = default;
            await UntilAsync(sync, "no check between the two counts", async () =>
                (counts = (cluster.Replicas[0].Requests, await ChecksAsync())).Requests == cluster.Replicas[0].Requests);
            return counts;
        }

        Task<double> ChecksAsync() => sync.MetricAsync("capi_registry_hook_sync_checks_total", Cancelled);
    }

    private static async Task<string?> ResolveAsync(SiteCluster cluster, string repository, string tag) =>
        (await cluster.Replicas[0].Client.ResolveAsync(repository, tag, Cancelled))?.Digest.ToString();

    private static Task<string?> LockAsync(SiteCluster cluster, string content) =>
        ResolveAsync(cluster, ContentArtifact.Repository, ContentArtifact.TagOf(new ContentKey("default", content)));

    private static Task WipeAsync(SiteCluster cluster) => cluster.Replicas[0].WipeAsync(Cancelled);

    private static Task<JsonObject> PatchAsync(EmbeddedSite site, JsonObject spec) => site.Admin.MergePatchAsync(
        SyncSite.Contents("default"), "base", new JsonObject { ["spec"] = spec }, Cancelled);

    private static Task UntilAsync(RunningSync sync, string what, Func<Task<bool>> condition) =>
        Polling.UntilAsync(what, condition, () => sync.Log, Cancelled);
}
