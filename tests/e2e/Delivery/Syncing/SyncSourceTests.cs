using System.Text.Json.Nodes;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>
/// Sources other than a registry with a list, and windows of time, on a real kube-apiserver with the definition of the chart.
/// </summary>
[Collection(OnApiServers.Name)]
public sealed class SyncSourceTests(RealEnvironment fixture)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>A bundle fills the registry of one cluster, and that registry with its lock is the source for another one.</summary>
    [Fact]
    public async Task Bundle_FillsARegistry_WhoseLockFillsAnother()
    {
        await using var site = EmbeddedSite.StartOn(new BorrowedServer((await fixture.EmptyAsync(Cancelled)).Management));
        var hub = await AddAsync(site, "hub");
        var edge = await AddAsync(site, "edge");
        await SyncSite.WriteCaAsync(site, hub.Replicas[0], Cancelled);
        var digest = await WriteBundleAsync(site, "bundles/default/k8s.tar");
        await using var sync = await RunningSync.StartAsync(site, Cancelled, "--sync-bundles", site.Folder["bundles"]);

        await SyncSite.CreateAsync(site, For("hub", Content("base", """{"bundle":{"path":"k8s.tar"}}""")), Cancelled);
        var @lock = (string)(await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled))["status"]!["lock"]!["digest"]!;
        Assert.Equal(digest, await ResolveAsync(hub, "test/app", "1"));
        Assert.Null(await ResolveAsync(edge, "test/app", "1"));

        var next = Content("copy", $$$"""{"registry":{"host":"{{{hub.Replicas[0].Name}}}","caSecretRef":{"name":"source-ca"} } }""");
        next["spec"]!["lock"] = new JsonObject
        {
            ["artifact"] = new JsonObject { ["repository"] = ContentArtifact.Repository, ["digest"] = @lock },
        };
        await SyncSite.CreateAsync(site, For("edge", next), Cancelled);
        await SyncSite.WaitAsync(site, sync, "copy", "Complete", Cancelled);
        Assert.Equal(digest, await ResolveAsync(edge, "test/app", "1"));

        // A bundle that is not in the folder of the content's namespace is not there.
        await SyncSite.CreateAsync(site, For("edge", Content("none", """{"bundle":{"path":"other/k8s.tar"}}""")), Cancelled);
        var none = await SyncSite.WaitAsync(site, sync, "none", "SourceUnavailable", Cancelled);
        Assert.Equal("There is no bundle other/k8s.tar in the folder default of the volume of bundles.",
            (string)SyncSite.Condition(none, "SourceReady")!["message"]!);
    }

    /// <summary>Outside of its windows content is looked for and not sent; within one it is sent.</summary>
    [Fact]
    public async Task Windows_DecideWhenContentIsSent()
    {
        await using var site = EmbeddedSite.StartOn(new BorrowedServer((await fixture.EmptyAsync(Cancelled)).Management));
        await using var source = await RealRegistry.StartAsync(Cancelled);
        var cluster = await AddAsync(site, "one");
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        var digest = await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled);
        var content = SyncSite.Content("night", source, "docker.io/test/app:1");
        content["spec"]!["windows"] = new JsonArray(SyncSite.Window(TimeSpan.FromHours(2), TimeSpan.FromHours(3)));
        await using var sync = await RunningSync.StartAsync(site, Cancelled, "--sync-interval", "1s");

        await SyncSite.CreateAsync(site, content, Cancelled);
        await Polling.UntilAsync("three checks", async () =>
            await sync.MetricAsync("capi_registry_hook_sync_checks_total", Cancelled) >= 3, () => sync.Log, Cancelled);
        await SyncSite.WaitAsync(site, sync, "night", "Syncing", Cancelled);
        Assert.Equal(0, await sync.MetricAsync("capi_registry_hook_sync_sent_bytes_total", Cancelled));
        Assert.Null(await ResolveAsync(cluster, "test/app", "1"));

        await site.Admin.MergePatchAsync(SyncSite.Contents("default"), "night", new JsonObject
        {
            ["spec"] = new JsonObject { ["windows"] = new JsonArray(SyncSite.Window(-TimeSpan.FromHours(1), TimeSpan.FromHours(1))) },
        }, Cancelled);
        await SyncSite.WaitAsync(site, sync, "night", "Complete", Cancelled);
        Assert.Equal(digest, await ResolveAsync(cluster, "test/app", "1"));
    }

    private static async Task<SiteCluster> AddAsync(EmbeddedSite site, string name)
    {
        var cluster = await site.AddAsync(name, 1, Cancelled);
        await site.Admin.MergePatchAsync(AdminClient.Clusters("default"), name, new JsonObject
        {
            ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["role"] = name } },
        }, Cancelled);
        return cluster;
    }

    private static JsonObject Content(string name, string source) =>
        TestContent.New(name, new JsonObject { ["source"] = JsonNode.Parse(source) });

    private static JsonObject For(string role, JsonObject content)
    {
        content["spec"]!["clusterSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["role"] = role } };
        return content;
    }

    private static async Task<string> WriteBundleAsync(EmbeddedSite site, string path)
    {
        var images = new LayoutImages(site.Folder["layout"], seed: 1);
        var digest = images.Add("docker.io/test/app:1", images.Random(50_000));
        using var layout = await ContentArchive.OpenAsync(images.Folder, Cancelled);
        Directory.CreateDirectory(Path.GetDirectoryName(site.Folder[path])!);
        await BundleWriter.CreateAsync(site.Folder[path],
            [.. layout.Names.Select(named => new BundleItem(named.Name!, layout, named.Descriptor))], new BundleOptions(), Cancelled);
        return digest;
    }

    private static async Task<string?> ResolveAsync(SiteCluster cluster, string repository, string tag) =>
        (await cluster.Replicas[0].Client.ResolveAsync(repository, tag, Cancelled))?.Digest.ToString();
}
