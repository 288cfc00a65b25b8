using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Logins;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>
/// The published service and the published syncer on one management cluster, and a registry of CNCF Distribution that has the certificate
/// of
/// the one and is filled by the other. Its accounts are an admin's (<c>auth.secretRef</c>).
/// </summary>
[Collection(OnApiServers.Name)]
public sealed class ContentGateWithSyncTests(RealEnvironment fixture)
{
    private const string Version = "1.13.4";
    private const string Target = "v1.34.0";
    private const string Namespace = "registry-system";
    private const string Users = "registry-users";
    private const string Needed = "capi-registry-hook.io/content-needed";

    /// <summary>Cluster API asks once in this time.</summary>
    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(15);

    private readonly RegistryLogin _login = RegistryLogin.Generate();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static JsonObject Config => JsonNode.Parse(
        """{"addons":{"registry":{"replicas":1,"auth":{"secretRef":{"name":"registry-users"}}}}}""")!.AsObject();

    [Fact]
    public async Task NewClusterAndUpgrade_WaitForWhatTheSyncerBrings()
    {
        var environment = await fixture.EmptyAsync(Cancelled);
        await using var site = EmbeddedSite.StartOn(new BorrowedServer(environment.Management));
        await using var source = await RealRegistry.StartAsync(Cancelled);
        await using var workload = await EmbeddedApiServer.StartAsync("workload", Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled);
        await SyncSite.PutImageAsync(site, source, "test/next", "1", 2, Cancelled);
        await SyncSite.CreateAsync(site, SyncSite.Content("base", source, "docker.io/test/app:1"), Cancelled);
        await using var service = await HookService.StartAsync(
            environment.Management.Kubeconfig, ["--content-gate", "On", "--reconciler", "On", "--lease-duration", "3s"], Cancelled);
        using var capi = service.CreateClusterApi();
        var cluster = await CreateClusterAsync(environment, workload);
        await using var registry = await InstallAsync(environment, workload, service);

        // A new registry is ready when it holds what was declared.
        await UntilConditionAsync(site, service, "False", "Filling");
        await service.WaitForMetricAsync("capi_registry_hook_clusters{phase=\"filling\"} 1", Cancelled);
        await using var sync = await RunningSync.StartAsync(site, Cancelled, "--sync-interval", "1h");
        await UntilConditionAsync(site, service, "True", "Ready");
        Assert.NotNull(await registry.Client.ResolveAsync("test/app", "1", Cancelled));

        // Content for the upgrade: its window is closed and its source is gone, so that nothing comes by itself.
        var checks = await sync.MetricAsync("capi_registry_hook_sync_checks_total", Cancelled);
        var next = SyncSite.Content("next", source, "docker.io/test/next:1");
        next["spec"]!["kubernetesVersions"] = new JsonArray("v1.34");
        next["spec"]!["windows"] = new JsonArray(SyncSite.Window(TimeSpan.FromHours(2), TimeSpan.FromHours(3)));
        await SyncSite.CreateAsync(site, next, Cancelled);
        await UntilAsync(sync, "the new content was asked for", async () =>
            await sync.MetricAsync("capi_registry_hook_sync_checks_total", Cancelled) >= checks + 2);
        await source.StopAsync();
        var blocked = await BlockedAsync(capi, cluster, service);
        Assert.Equal(blocked.Text, (await capi.UpgradeAsync(Version, cluster, Target, Cancelled)).Text);
        Assert.Equal(Target, (string?)(await ClusterAsync(site))["metadata"]!["annotations"]![Needed]);
        await UntilAsync(sync, "the syncer came at once", async () =>
            await sync.MetricAsync("capi_registry_hook_sync_runs_total{result=\"failed\"}", Cancelled) >= 1);
        Assert.Null(await registry.Client.ResolveAsync("test/next", "1", Cancelled));

        await source.RestartAsync(Cancelled);
        await UntilAsync(sync, "the registry holds the content", async () => await registry.Client.ResolveAsync(
            ContentArtifact.Repository, ContentArtifact.TagOf(new ContentKey("default", "next")), Cancelled) is not null);
        var since = Stopwatch.GetTimestamp();
        await Polling.UntilAsync("the upgrade proceeds", async () =>
            (await capi.UpgradeAsync(Version, cluster, Target, Cancelled)).RetryAfterSeconds == 0, () => service.Log, Cancelled);
        Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, ReleaseLimit);
        Assert.NotNull(await registry.Client.ResolveAsync("test/next", "1", Cancelled));
        Assert.All([service.Log, sync.Log], log => Assert.DoesNotContain(_login.Password, log, StringComparison.Ordinal));
    }

    private static async Task<TestCluster> CreateClusterAsync(TestEnvironment environment, EmbeddedApiServer workload)
    {
        var manifest = TestEnvironment.NewCluster("c1");
        manifest["spec"]!["topology"]!["variables"]![0]!["value"] = Config;
        var created = await environment.ManagementObjects.CreateAsync(AdminClient.Clusters("default"), manifest, Cancelled);
        var cluster = new TestCluster("c1", "default", (string)created["metadata"]!["uid"]!) { ClusterConfig = Config };
        await environment.GiveKubeconfigAsync(cluster, workload.Kubeconfig, Cancelled);
        return cluster;
    }

    /// <summary>What Helm and the kubelet do once the reconciler has written the release: one pod that serves, and the way to it.</summary>
    private async Task<RealRegistry> InstallAsync(TestEnvironment environment, EmbeddedApiServer workload, HookService service)
    {
        JsonObject? release = null;
        await Polling.UntilAsync("a release", async () => (release = await environment.ManagementObjects.FindAsync(
            AdminClient.ChartProxies("default"), "c1-registry", Cancelled)) is not null, () => service.Log, Cancelled);
        using var objects = new AdminClient(workload);
        var tls = await objects.GetAsync(AdminClient.Secrets(Namespace), "registry-tls", Cancelled);
        var trust = await environment.ManagementObjects.GetAsync(AdminClient.Secrets("default"), "c1-registry-addon-ca", Cancelled);
        var registry = await RealRegistry.StartAsync(Cancelled, _login, identity: new ServerIdentity(
            RegistryState.Text(trust, "ca.crt"), RegistryState.Text(tls, "tls.crt"), RegistryState.Text(tls, "tls.key")));
        await objects.CreateAsync(AdminClient.Secrets(Namespace), Named(Users, ("data", new JsonObject
        {
            ["htpasswd"] = Pack(_login.Htpasswd), ["username"] = Pack(_login.UserName), ["password"] = Pack(_login.Password),
        })), Cancelled);
        var mounts = JsonNode.Parse($$"""{"volumes":[{"name":"auth","secret":{"secretName":"{{Users}}"} }]}""")!;
        await objects.CreateAsync($"/apis/apps/v1/namespaces/{Namespace}/statefulsets", Named("registry", ("spec",
            new JsonObject { ["replicas"] = 1, ["template"] = new JsonObject { ["spec"] = mounts.DeepClone() } })), Cancelled);
        await objects.CreateAsync($"/api/v1/namespaces/{Namespace}/services", Named("registry-primary", ("spec", JsonNode.Parse(
            """{"selector":{"statefulset.kubernetes.io/pod-name":"registry-0"}}""")!)), Cancelled);
        var pod = Named("registry-0", ("spec", mounts));
        pod["metadata"]!["labels"] = new JsonObject
        {
            ["app.kubernetes.io/instance"] = "registry", ["app.kubernetes.io/component"] = "registry",
        };
        pod["metadata"]!["annotations"] = new JsonObject
        {
            ["capi-registry-hook.io/release-revision"] =
                (string)release!["metadata"]!["annotations"]!["capi-registry-hook.io/release-revision"]!,
        };
        workload.LeadPod(Namespace, "registry-0", registry.Port);
        await objects.CreateAsync($"/api/v1/namespaces/{Namespace}/pods", pod, Cancelled);
        await objects.MergePatchAsync($"/api/v1/namespaces/{Namespace}/pods", "registry-0/status", new JsonObject
        {
            ["status"] = JsonNode.Parse("""{"conditions":[{"type":"Ready","status":"True"}]}"""),
        }, Cancelled);
        return registry;
    }

    private static async Task<HookAnswer> BlockedAsync(ClusterApi capi, TestCluster cluster, HookService service)
    {
        HookAnswer answer = null!;
        await Polling.UntilAsync("the upgrade is blocked by a number", async () =>
            (answer = await capi.UpgradeAsync(Version, cluster, Target, Cancelled)).Message
                == $"The registry does not hold what the upgrade to \"{Target}\" needs yet: 1 of 1 RegistryContent is incomplete, with "
                + "1 entry.", () => answer.Text + service.Log, Cancelled);
        Assert.Equal(("Success", 15), (answer.Status, answer.RetryAfterSeconds));
        return answer;
    }

    private static Task UntilConditionAsync(EmbeddedSite site, HookService service, string status, string reason)
    {
        JsonNode? found = null;
        return Polling.UntilAsync($"the condition is {status}, {reason}", async () =>
        {
            found = (await ClusterAsync(site))["status"]?["conditions"]?.AsArray().SingleOrDefault(
                condition => (string?)condition!["type"] == "capi-registry-hook.io/RegistryReady");
            return (string?)found?["status"] == status && (string?)found["reason"] == reason;
        }, () => found?.ToJsonString() + service.Log, Cancelled);
    }

    private static Task<JsonObject> ClusterAsync(EmbeddedSite site) =>
        site.Admin.GetAsync(AdminClient.Clusters("default"), "c1", Cancelled);

    private static Task UntilAsync(RunningSync sync, string what, Func<Task<bool>> condition) =>
        Polling.UntilAsync(what, condition, () => sync.Log, Cancelled);

    private static JsonObject Named(string name, (string Field, JsonNode Value) part) =>
        new() { ["metadata"] = new JsonObject { ["name"] = name }, [part.Field] = part.Value };

    private static string Pack(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
