using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Logins;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>Content that registries fetch by themselves: the syncer tells them what, waits for it, and writes the lock last.</summary>
public sealed class PullTests
{
    private static readonly RegistryLogin Own = RegistryLogin.Generate();
    private static readonly RegistryLogin Target = RegistryLogin.Generate();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Content_ThatIsPulled_ArrivesFromTheSourceBeforeItsLock()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled, Own);
        var cluster = await site.AddAsync("one", 1, Cancelled, login: Target);
        await FetchingSidecar.AllowAsync(cluster, Cancelled);
        var (first, other) = await PutAsync(site, source);
        await using var sync = await RunningSync.StartAsync(site, Cancelled);
        await SyncSite.CreateAsync(site, Pulled(source, "docker.io/test/app:1", $"docker.io/test/tool@{other}"), Cancelled);

        // Nothing comes until the registry fetches it, and nobody sends it.
        JsonObject? sources = null;
        await UntilAsync(sync, "the registry is told what to fetch", async () =>
            (sources = await FetchingSidecar.FindAsync(cluster, Cancelled)) is not null);
        Assert.Equal(["default.base.ca.crt", "default.base.password", "default.base.username", "default.base.yml"],
            sources!["data"]!.AsObject().Select(entry => entry.Key).Order());
        await SyncSite.WaitAsync(site, sync, "base", "Syncing", Cancelled);
        Assert.Null(await LockAsync(cluster));

        await using var sidecar = await FetchingSidecar.StartAsync(cluster, Target, Cancelled);
        await UntilAsync(sync, "it is complete", async () =>
        {
            await SyncInvariants.CheckAsync(cluster.Replicas[0], "default.base", Cancelled);
            return Reason(await FindAsync(site)) == "Complete";
        }, sidecar);
        Assert.Equal(first, await ResolveAsync(cluster, "test/app", "1"));
        Assert.Equal(other, await ResolveAsync(cluster, "test/tool", other));
        Assert.Equal((string)(await FindAsync(site))["status"]!["lock"]!["digest"]!, await LockAsync(cluster));
        Assert.InRange(await sync.MetricAsync("capi_registry_hook_sync_sent_bytes_total", Cancelled), 1, 10_000);

        // The login of the source is gone as soon as it is not needed, and a tag that moves is followed.
        await UntilAsync(sync, "the sources are gone", async () => await FetchingSidecar.FindAsync(cluster, Cancelled) is null);
        var moved = await SyncSite.PutImageAsync(site, source, "test/app", "1", 3, Cancelled);
        await UntilAsync(sync, "the registry follows", async () =>
            await ResolveAsync(cluster, "test/app", "1") == moved && Reason(await FindAsync(site)) == "Complete"
                && (string?)(await FindAsync(site))["status"]!["lock"]!["digest"] == await LockAsync(cluster), sidecar);
        Assert.DoesNotContain(Own.Password, sync.Log, StringComparison.Ordinal);
    }

    /// <summary>
    /// A registry that fetches nothing, and one whose Secret is somebody else's, say what to do; then they get it by push.
    /// </summary>
    [Fact]
    public async Task Registries_ThatCantPull_FailWithTheRemedy()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled, Own);
        await site.AddAsync("closed", 1, Cancelled);
        var foreign = await site.AddAsync("foreign", 1, Cancelled);
        await FetchingSidecar.AllowAsync(foreign, Cancelled);
        using var admin = new AdminClient(foreign.Api);
        var theirs = new JsonObject { ["metadata"] = new JsonObject { ["name"] = FetchingSidecar.Secret } };
        await admin.CreateAsync(AdminClient.Secrets("registry-system"), theirs, Cancelled);
        await PutAsync(site, source);
        await using var sync = await RunningSync.StartAsync(site, Cancelled);
        await SyncSite.CreateAsync(site, Pulled(source, "docker.io/test/app:1"), Cancelled);

        await UntilAsync(sync, "both fail", async () => (int?)(await FindAsync(site))["status"]?["clusters"]?["failing"] == 2);
        var failing = (await FindAsync(site))["status"]!["failing"]!.AsArray();
        Assert.Equal(
            [
                "The registry fetches nothing by itself; set sync.pull in the values of its chart, or spec.delivery to Push.",
                "The Secret registry-system/registry-sources on the workload cluster is not ours; delete or rename it.",
            ],
            failing.Select(each => (string)each!["reason"]!));

        await PatchAsync(site, new JsonObject { ["delivery"] = "Push" });
        await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled);
        Assert.Null((await FetchingSidecar.FindAsync(foreign, Cancelled))!["data"]);
    }

    /// <summary>Whoever stops a fetch takes the login of the source back from the workload cluster.</summary>
    [Fact]
    public async Task Content_ThatIsStopped_LeavesNoLoginBehind()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled, Own);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        await FetchingSidecar.AllowAsync(cluster, Cancelled);
        await PutAsync(site, source);
        await using var sync = await RunningSync.StartAsync(site, Cancelled);
        await SyncSite.CreateAsync(site, Pulled(source, "docker.io/test/app:1"), Cancelled);
        await UntilAsync(sync, "it is fetched", async () => await FetchingSidecar.FindAsync(cluster, Cancelled) is not null);

        await PatchAsync(site, new JsonObject { ["suspend"] = true });
        await UntilAsync(sync, "it is suspended", async () => await FetchingSidecar.FindAsync(cluster, Cancelled) is null);
        await PatchAsync(site, new JsonObject { ["suspend"] = false });
        await UntilAsync(sync, "it is fetched again", async () => await FetchingSidecar.FindAsync(cluster, Cancelled) is not null);
        await site.Admin.DeleteIfThereAsync(SyncSite.Contents("default"), "base", Cancelled);
        await UntilAsync(sync, "it is deleted", async () => await FetchingSidecar.FindAsync(cluster, Cancelled) is null);
    }

    private static async Task<(string First, string Other)> PutAsync(EmbeddedSite site, RealRegistry source)
    {
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        await SyncSite.WriteSecretAsync(
            site, "default", "login", [("username", Own.UserName), ("password", Own.Password)], Cancelled, "kubernetes.io/basic-auth");
        return (await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled),
            await SyncSite.PutImageAsync(site, source, "test/tool", "2", 2, Cancelled));
    }

    private static JsonObject Pulled(RealRegistry source, params string[] lines)
    {
        var content = SyncSite.Content("base", source, lines);
        content["spec"]!["delivery"] = "Pull";
        content["spec"]!["source"]!["registry"]!["credentialsSecretRef"] = new JsonObject { ["name"] = "login" };
        return content;
    }

    private static Task<JsonObject> FindAsync(EmbeddedSite site) => site.Admin.GetAsync(SyncSite.Contents("default"), "base", Cancelled);

    private static string? Reason(JsonObject content) => (string?)SyncSite.Condition(content, "Ready")?["reason"];

    private static async Task<string?> ResolveAsync(SiteCluster cluster, string repository, string selector) =>
        (await cluster.Replicas[0].Client.ResolveAsync(repository, selector, Cancelled))?.Digest.ToString();

    private static Task<string?> LockAsync(SiteCluster cluster) =>
        ResolveAsync(cluster, ContentArtifact.Repository, ContentArtifact.TagOf(new ContentKey("default", "base")));

    private static Task<JsonObject> PatchAsync(EmbeddedSite site, JsonObject spec) => site.Admin.MergePatchAsync(
        SyncSite.Contents("default"), "base", new JsonObject { ["spec"] = spec }, Cancelled);

    private static Task UntilAsync(RunningSync sync, string what, Func<Task<bool>> condition, FetchingSidecar? sidecar = null) =>
        Polling.UntilAsync(what, condition, () => sync.Log + sidecar?.Log, Cancelled);
}
