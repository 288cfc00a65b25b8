using System.Net;
using static CapiRegistryHook.Unit.Tests.Harness.ApiSession;

namespace CapiRegistryHook.Unit.Tests.Harness;

/// <summary>Get, list, pages and watches.</summary>
public sealed class EmbeddedReadTests
{
    [Fact]
    public async Task Get_OfNothing_IsNotFoundOfTheObject()
    {
        await using var api = await StartAsync();

        var answer = await api.GetAsync(Proxies + "/p");

        Assert.Equal((HttpStatusCode.NotFound, "NotFound"), (answer.Status, answer.Reason));
        Assert.Equal("helmchartproxies.addons.cluster.x-k8s.io \"p\" not found", answer.Text);
        Assert.Equal(
            """{"name":"p","group":"addons.cluster.x-k8s.io","kind":"helmchartproxies"}""", answer.Json["details"]!.ToJsonString());
    }

    [Theory]
    [InlineData("", "a b c")]
    [InlineData("labelSelector=app%3Dx", "a b")]
    [InlineData("labelSelector=app!%3Dx", "c")]
    [InlineData("labelSelector=app", "a b")]
    [InlineData("labelSelector=!app", "c")]
    [InlineData("labelSelector=tier in (one,two)", "a b")]
    [InlineData("labelSelector=tier notin (one)", "b c")]
    [InlineData("labelSelector=app%3D%3Dx,tier%3Dtwo", "b")]
    [InlineData("fieldSelector=metadata.name%3Da", "a")]
    [InlineData("fieldSelector=metadata.name!%3Da,metadata.namespace%3Ddefault", "b c")]
    public async Task List_WithSelectors_ReturnsTheMatching(string query, string names)
    {
        await using var api = await StartAsync();
        await api.CreateSecretAsync("a", ""","labels":{"app":"x","tier":"one"}""");
        await api.CreateSecretAsync("b", ""","labels":{"app":"x","tier":"two"}""");
        await api.CreateSecretAsync("c");

        var answer = await api.GetAsync($"{Secrets}?{query}");

        Assert.Equal(names.Split(' '), answer.Names);
        Assert.Equal("SecretList", (string?)answer.Json["kind"]);
    }

    [Fact]
    public async Task List_OfAllNamespaces_ReturnsThemInOrder()
    {
        await using var api = await StartAsync();
        await api.CreateSecretAsync("b");
        await api.CreateSecretAsync("a", "", "kube-system");

        Assert.Equal(["b", "a"], (await api.GetAsync("/api/v1/secrets")).Names);
        Assert.Equal(["b"], (await api.GetAsync(Secrets)).Names);
    }

    [Theory]
    [InlineData("labelSelector=a%3D%3D%3Db")]
    [InlineData("fieldSelector=spec.x%3D1")]
    [InlineData("continue=nonsense")]
    [InlineData("limit=x")]
    public async Task List_WithABadQuery_IsABadRequest(string query)
    {
        await using var api = await StartAsync();

        Assert.Equal(HttpStatusCode.BadRequest, (await api.GetAsync($"{Secrets}?{query}")).Status);
    }

    [Fact]
    public async Task List_InPages_ShowsOneSnapshot()
    {
        await using var api = await StartAsync();
        foreach (var name in (string[])["a", "b", "c"]) await api.CreateSecretAsync(name);

        var first = await api.GetAsync(Secrets + "?limit=2");
        await api.DeleteAsync(Secrets + "/c");
        await api.CreateSecretAsync("d");
        var second = await api.GetAsync($"{Secrets}?limit=2&continue={first.Json["metadata"]!["continue"]}");

        Assert.Equal(["a", "b"], first.Names);
        Assert.Equal(1, (int)first.Json["metadata"]!["remainingItemCount"]!);
        Assert.Equal(["c"], second.Names);
        Assert.Equal(first.Version, second.Version);
        Assert.Null(second.Json["metadata"]!["continue"]);
    }

    [Fact]
    public async Task List_WithACompactedToken_IsExpiredAndOffersAnInconsistentRest()
    {
        await using var api = await StartAsync();
        foreach (var name in (string[])["a", "b"]) await api.CreateSecretAsync(name);
        var first = await api.GetAsync(Secrets + "?limit=1");
        await api.CreateSecretAsync("c");
        api.Server.CompactHistory();

        var expired = await api.GetAsync($"{Secrets}?limit=1&continue={first.Json["metadata"]!["continue"]}");
        var rest = await api.GetAsync($"{Secrets}?continue={expired.Json["metadata"]!["continue"]}");

        Assert.Equal((HttpStatusCode.Gone, "Expired"), (expired.Status, expired.Reason));
        Assert.Equal(["b", "c"], rest.Names);
    }

    [Fact]
    public async Task Watch_FromARevision_SeesWhatHappensAfterIt()
    {
        await using var api = await StartAsync();
        var start = await api.CreateSecretAsync("before");
        await api.CreateSecretAsync("a");
        using var watch = await api.WatchAsync($"{Secrets}?watch=true&resourceVersion={start.Version}");

        await api.PatchAsync(Secrets + "/a", MergePatch, """{"data":{"key":"djI="}}""");
        await api.CreateSecretAsync("elsewhere", "", "kube-system");
        await api.DeleteAsync(Secrets + "/a");

        Assert.Equal("ADDED a", await watch.NextAsync());
        Assert.Equal("MODIFIED a", await watch.NextAsync());
        var modified = long.Parse((string)watch.Last["object"]!["metadata"]!["resourceVersion"]!);
        Assert.Equal("DELETED a", await watch.NextAsync());
        Assert.True(long.Parse((string)watch.Last["object"]!["metadata"]!["resourceVersion"]!) > modified);
    }

    [Theory]
    [InlineData("")]
    [InlineData("&resourceVersion=0")]
    public async Task Watch_WithoutARevision_BeginsWithWhatIsThere(string revision)
    {
        await using var api = await StartAsync();
        await api.CreateSecretAsync("a");

        using var watch = await api.WatchAsync($"{Secrets}?watch=1{revision}");

        Assert.Equal("ADDED a", await watch.NextAsync());
    }

    [Fact]
    public async Task Watch_WithASelector_SeesTransitionsAsAddedAndDeleted()
    {
        await using var api = await StartAsync();
        var start = await api.CreateSecretAsync("a");
        using var watch = await api.WatchAsync($"{Secrets}?watch=true&labelSelector=on&resourceVersion={start.Version}");

        await api.PatchAsync(Secrets + "/a", MergePatch, """{"metadata":{"labels":{"on":"1"}}}""");
        await api.PatchAsync(Secrets + "/a", MergePatch, """{"metadata":{"labels":{"on":null}}}""");

        Assert.Equal("ADDED a", await watch.NextAsync());
        Assert.Equal("DELETED a", await watch.NextAsync());
    }

    [Fact]
    public async Task Watch_FromACompactedRevision_GetsAnErrorEvent()
    {
        await using var api = await StartAsync();
        var start = await api.CreateSecretAsync("a");
        await api.CreateSecretAsync("b");
        api.Server.CompactHistory();

        using var watch = await api.WatchAsync($"{Secrets}?watch=true&resourceVersion={start.Version}");

        Assert.Equal("ERROR", await watch.NextAsync());
        Assert.Equal((410, "Expired"), ((int)watch.Last["object"]!["code"]!, (string?)watch.Last["object"]!["reason"]));
        Assert.Null(await watch.NextAsync());
    }

    [Fact]
    public async Task Watch_UpToDate_SurvivesCompaction()
    {
        await using var api = await StartAsync();
        var start = await api.CreateSecretAsync("a");
        using var watch = await api.WatchAsync($"{Secrets}?watch=true&resourceVersion={start.Version}");

        api.Server.CompactHistory();
        await api.CreateSecretAsync("b");

        Assert.Equal("ADDED b", await watch.NextAsync());
    }

    [Fact]
    public async Task Watch_WithBookmarks_LearnsTheRevisionOfOtherResources()
    {
        await using var api = await StartAsync();
        var start = await api.CreateSecretAsync("a");
        var lease = await api.PostAsync(Leases, """{"metadata":{"name":"a"}}""");

        using var watch =
            await api.WatchAsync($"{Secrets}?watch=true&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion={start.Version}");

        Assert.Equal("BOOKMARK", await watch.NextAsync());
        Assert.Equal(lease.Version, (string?)watch.Last["object"]!["metadata"]!["resourceVersion"]);
        Assert.Equal("Secret", (string?)watch.Last["object"]!["kind"]);
    }

    [Fact]
    public async Task Watch_Dropped_BreaksTheStream()
    {
        await using var api = await StartAsync();
        await api.CreateSecretAsync("a");
        using var watch = await api.WatchAsync($"{Secrets}?watch=true");
        Assert.Equal("ADDED a", await watch.NextAsync());

        api.Server.DropWatches();

        await Assert.ThrowsAnyAsync<IOException>(watch.NextAsync);
    }

    [Fact]
    public async Task Watch_OfAnotherVersion_ShowsThatVersion()
    {
        await using var api = await StartAsync();
        await api.PostAsync(Clusters, """{"apiVersion":"cluster.x-k8s.io/v1beta1","kind":"Cluster","metadata":{"name":"c"}}""");

        using var watch = await api.WatchAsync($"{Clusters}?watch=true");

        Assert.Equal("ADDED c", await watch.NextAsync());
        Assert.Equal("cluster.x-k8s.io/v1beta1", (string?)watch.Last["object"]!["apiVersion"]);
    }
}
