using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>The service's own chart, installed for real: what Cluster API, Prometheus and an attacker find.</summary>
[Collection(OnOneNode.Name)]
public sealed class InstalledHookTests(InstalledOnce installed) : IClassFixture<InstalledOnce>
{
    private const string Version = "1.13.4";

    private readonly InstalledHook _hook = installed.Hook;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hooks_CalledThroughTheService_DoTheirWorkWithThePodsRights()
    {
        await using var forward = await _hook.ForwardAsync("https", CancellationToken);
        using var capi = new ClusterApi(new Uri($"https://127.0.0.1:{forward.Port}"), _hook.RootPem);
        var cluster = await _hook.CreateClusterAsync("c1", CancellationToken);

        Contract.AssertDiscovery(await capi.DiscoverAsync(Version, CancellationToken));
        foreach (var hook in new[] { "BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade" })
        {
            var answer = await capi.CallAsync(Version, hook, cluster, CancellationToken);
            Assert.True(answer.Status == "Success" && answer.RetryAfterSeconds is null or 0, answer.Text);
        }

        using var admin = new AdminClient(_hook.Cluster);
        var proxy = await admin.GetAsync(AdminClient.ChartProxies(HookService.Namespace), "c1-registry", CancellationToken);
        Assert.Equal("oci://capi-registry-hook.capi-registry-hook-system.svc:443/charts", (string)proxy["spec"]!["repoURL"]!);
        Assert.Equal("capi-registry-hook-tls", (string)proxy["spec"]!["tlsConfig"]!["caSecret"]!["name"]!);
        Assert.Equal("kubernetes.io/tls",
            (string)(await admin.GetAsync(
                AdminClient.Secrets(InstalledHook.WorkloadNamespace), "registry-tls", CancellationToken))["type"]!);
        await AssertScrapedAsync();
    }

    [Fact]
    public async Task Account_BeyondItsRights_IsRefused()
    {
        using var admin = new AdminClient(_hook.Cluster);
        var request = new JsonObject { ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "TokenRequest",
            ["spec"] = new JsonObject() };
        var token = await admin.CreateAsync(
            $"/api/v1/namespaces/{HookService.Namespace}/serviceaccounts/{HookChart.Release}/token", request, CancellationToken);
        using var account = AdminHttp.Create(_hook.Cluster);
        account.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)token["status"]!["token"]!);

        Assert.Equal(HttpStatusCode.OK, await GetAsync(account, $"{AdminClient.Secrets(HookService.Namespace)}/capi-registry-hook-tls"));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(account, AdminClient.Secrets(HookService.Namespace)));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(account, $"/api/v1/namespaces/{HookService.Namespace}/configmaps"));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(account, "/api/v1/nodes"));
        var mayDelete = await _hook.Kubectl.RunAsync(
            CancellationToken, "auth", "can-i", "delete", "secrets", $"--as={InstalledAccess.User}", "--all-namespaces");
        var mayPatch = await _hook.Kubectl.RunAsync(
            CancellationToken, "auth", "can-i", "patch", "clusters.cluster.x-k8s.io", $"--as={InstalledAccess.User}", "--all-namespaces");
        Assert.Equal(("no\n", "yes\n"), (mayDelete.Output, mayPatch.Output));
    }

    [Fact]
    public async Task Restart_WithCallersAllTheTime_FailsNoCall()
    {
        await using var forward = await _hook.ForwardAsync("https", CancellationToken);
        var requests = RunningCaller.Requests(await _hook.CreateClusterAsync("c2", CancellationToken));
        await using var kept = new RunningCaller(forward, _hook.RootPem, requests, HttpVersion.Version11, reconnect: false);
        await using var anew = new RunningCaller(forward, _hook.RootPem, requests, HttpVersion.Version11, reconnect: true);
        await using var streams = new RunningCaller(forward, _hook.RootPem, requests, HttpVersion.Version20, reconnect: false);
        RunningCaller[] callers = [kept, anew, streams];
        await Task.WhenAll(callers.Select(caller => caller.MoreAsync(5, CancellationToken)));
        var before = await _hook.PodsAsync(CancellationToken);

        await _hook.RestartAsync(CancellationToken);
        await Polling.UntilAsync(
            "the end of the former pods", async () => !(await _hook.PodsAsync(CancellationToken)).Intersect(before).Any(), () => "",
            CancellationToken);
        await Task.WhenAll(callers.Select(caller => caller.MoreAsync(5, CancellationToken)));

        Assert.Equal(2, (await _hook.PodsAsync(CancellationToken)).Count);
        Assert.Empty(callers.SelectMany(caller => caller.Failures));
    }

    private async Task AssertScrapedAsync()
    {
        await using var forward = await _hook.ForwardAsync("metrics", CancellationToken);
        using var http = new HttpClient();
        var pages = new List<string>();
        for (var scrape = 0; scrape < 20; scrape++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://127.0.0.1:{forward.Port}/metrics"));
            request.Headers.ConnectionClose = true;
            using var answer = await http.SendAsync(request, CancellationToken);
            pages.Add(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(CancellationToken));
        }

        // Each replica counts for itself, and one of them has answered.
        Assert.All(pages, page => Assert.Contains(
            $"capi_registry_hook_build_info{{version=\"{ServiceVersion.Text}\"}} 1\n", page, StringComparison.Ordinal));
        Assert.Contains(pages, page => page.Contains(
            "capi_registry_hook_calls_total{hook=\"AfterControlPlaneInitialized\",outcome=\"success\"} 1\n", StringComparison.Ordinal));
    }

    private static async Task<HttpStatusCode> GetAsync(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), CancellationToken);
        return answer.StatusCode;
    }
}
