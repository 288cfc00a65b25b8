using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Registry.Logins;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>Two tenants on one management cluster: what one declares reaches neither the clusters nor the logins of the other.</summary>
public sealed class SyncTenantTests
{
    private static readonly RegistryLogin Own = RegistryLogin.Generate();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Content_OfOneNamespace_ReachesNeitherClustersNorLoginsOfAnother()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled, Own);
        var cluster = await site.AddAsync("one", 1, Cancelled);
        foreach (var tenant in new[] { "team-a", "team-b" })
        {
            await site.Admin.CreateAsync(
                "/api/v1/namespaces", new JsonObject { ["metadata"] = new JsonObject { ["name"] = tenant } }, Cancelled);
            await SyncSite.WriteCaAsync(site, source, Cancelled, tenant);
        }

        await SyncSite.WriteCaAsync(site, source, Cancelled);
        await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled);
        await SyncSite.WriteSecretAsync(site, "default", "login", Pull(source.Name), Cancelled);
        await SyncSite.WriteSecretAsync(site, "team-a", "login", Pull(source.Name), Cancelled);
        await SyncSite.WriteSecretAsync(site, "team-b", "elsewhere", Pull("other.example.com"), Cancelled);

        // The owner's content works, so that each refusal below is one of tenancy.
        await SyncSite.CreateAsync(site, WithLogin(SyncSite.Content("own", source, "docker.io/test/app:1"), "login"), Cancelled);
        await SyncSite.CreateAsync(site, Everywhere(SyncSite.Content("all", source, "docker.io/test/app:1")), Cancelled, "team-a");
        await SyncSite.CreateAsync(site, WithLogin(SyncSite.Content("none", source, "docker.io/test/app:1"), "login"), Cancelled, "team-a");
        await SyncSite.CreateAsync(
            site, WithLogin(SyncSite.Content("borrowed", source, "docker.io/test/app:1"), "login"), Cancelled, "team-b");
        await SyncSite.CreateAsync(
            site, WithLogin(SyncSite.Content("sent", source, "docker.io/test/app:1"), "elsewhere"), Cancelled, "team-b");
        await using (var sync = await RunningSync.StartAsync(site, Cancelled))
        {
            await SyncSite.WaitAsync(site, sync, "own", "Complete", Cancelled);
            var all = await SyncSite.WaitAsync(site, sync, "all", "Invalid", Cancelled, "team-a");
            Assert.Contains("--content-shared-namespaces", (string)SyncSite.Condition(all, "Ready")!["message"]!, StringComparison.Ordinal);
            var none = await SyncSite.WaitAsync(site, sync, "none", "NoClusters", Cancelled, "team-a");
            Assert.Equal(0, (int)none["status"]!["clusters"]!["matched"]!);
            var borrowed = await SyncSite.WaitAsync(site, sync, "borrowed", "SourceUnavailable", Cancelled, "team-b");
            Assert.Equal("The Secret login does not exist.", (string)SyncSite.Condition(borrowed, "SourceReady")!["message"]!);
            var sent = await SyncSite.WaitAsync(site, sync, "sent", "SourceUnavailable", Cancelled, "team-b");
            Assert.Equal($"The Secret elsewhere has no login for {source.Name}.",
                (string)SyncSite.Condition(sent, "SourceReady")!["message"]!);
            Assert.DoesNotContain(Own.Password, sync.Log + await sync.MetricsAsync(Cancelled), StringComparison.Ordinal);
            await sync.EndAsync(Cancelled);
        }

        Assert.Null(await cluster.Replicas[0].Client.ResolveAsync("capi-registry-hook/content", "team-a.none", Cancelled));

        // The admin allows it, and only then.
        await site.Admin.MergePatchAsync(SyncSite.Contents("team-a"), "all", new JsonObject { ["spec"] = new JsonObject
        {
            ["source"] =
                new JsonObject { ["registry"] = new JsonObject { ["credentialsSecretRef"] = new JsonObject { ["name"] = "login" } } },
        } }, Cancelled);
        await using var allowing = await RunningSync.StartAsync(site, Cancelled, "--content-shared-namespaces", "team-a");
        var shared = await SyncSite.WaitAsync(site, allowing, "all", "Complete", Cancelled, "team-a");
        Assert.Equal(1, (int)shared["status"]!["clusters"]!["matched"]!);
        Assert.NotNull(await cluster.Replicas[0].Client.ResolveAsync("capi-registry-hook/content", "team-a.all", Cancelled));
    }

    /// <summary>A tenant names the source, so it must not lead the syncer to itself or to the metadata of its machine.</summary>
    [Fact]
    public async Task Source_AtASpecialAddress_IsNotConnectedTo()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled);
        await site.AddAsync("one", 1, Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        await SyncSite.CreateAsync(site, SyncSite.Content("base", source, "docker.io/test/app:1"), Cancelled);
        var before = source.Requests;

        await using var sync = await RunningSync.StartAsync(site, Cancelled, "--sync-source-allow-cidrs", "");
        var refused = await SyncSite.WaitAsync(site, sync, "base", "SourceUnavailable", Cancelled);

        Assert.Contains("special", (string)SyncSite.Condition(refused, "SourceReady")!["message"]!, StringComparison.Ordinal);
        Assert.Equal(before, source.Requests);
    }

    private static JsonObject WithLogin(JsonObject content, string secret)
    {
        content["spec"]!["source"]!["registry"]!["credentialsSecretRef"] = new JsonObject { ["name"] = secret };
        return content;
    }

    private static JsonObject Everywhere(JsonObject content)
    {
        content["spec"]!["allNamespaces"] = true;
        return content;
    }

    private static (string Key, string Value)[] Pull(string host)
    {
        var auth = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Own.UserName}:{Own.Password}"));
        return [(".dockerconfigjson", new JsonObject
        {
            ["auths"] = new JsonObject { [host] = new JsonObject { ["auth"] = auth } },
            ["credHelpers"] = new JsonObject { [host] = "touch" },
        }.ToJsonString())];
    }
}
