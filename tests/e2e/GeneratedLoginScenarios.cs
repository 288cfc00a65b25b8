using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>A login that the published program makes, keeps, delivers and rotates, on embedded and on real API servers.</summary>
public abstract class GeneratedLoginScenarios(EnvironmentFixture fixture) : IAsyncLifetime
{
    private const string Machines = "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/machines";
    private const string Beside = "c1-registry-addon-login";
    private const string Version = "1.13.4";

    private TestEnvironment _environment = null!;
    private HookService _service = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _environment = await fixture.EmptyAsync(CancellationToken);
        _service = await HookService.StartAsync(
            _environment.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s"], CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        var log = _service.Log;
        await _service.DisposeAsync();
        Secrecy.AssertNoSecretIn(log, _environment);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Generate_NewCluster_NodesRegistryAndChartGetOneLoginAndNobodyElseSeesIt()
    {
        await CreateAsync();

        var delivered = await DeliveredAsync();
        var beside = await FindBesideAsync();
        var proxy = await _environment.ManagementObjects.GetAsync(AdminClient.ChartProxies("default"), "c1-registry", CancellationToken);
        var http = await _environment.WorkloadObjects.GetAsync(AdminClient.Secrets("registry-system"), "registry-http", CancellationToken);

        foreach (var key in new[] { "username", "password", "htpasswd" })
            Assert.Equal(RegistryState.Text(beside!, key), RegistryState.Text(delivered, key));
        Assert.Equal(
            $"{RegistryState.Text(beside!, "username")}:{RegistryState.Text(beside!, "password")}",
            RegistryState.Text(beside!, "mirrorLogin"));
        Assert.Equal("", (string?)beside!["metadata"]!["labels"]!["clusterctl.cluster.x-k8s.io/move"]);
        Assert.Equal("c1", (string?)beside["metadata"]!["ownerReferences"]![0]!["name"]);
        var values = (string)proxy["spec"]!["valuesTemplate"]!;
        Assert.Contains("secretName: \"registry-auth\"", values, StringComparison.Ordinal);
        Assert.Contains("secretName: \"registry-http\"", values, StringComparison.Ordinal);
        var events = await _environment.ManagementObjects.ListAsync(AdminClient.Events("default"), CancellationToken);
        foreach (var secret in new[] { RegistryState.Text(beside, "password"), RegistryState.Text(http, "httpSecret"), "$2y$" })
        {
            Assert.DoesNotContain(secret, proxy.ToJsonString(), StringComparison.Ordinal);
            Assert.DoesNotContain(secret, _service.Log, StringComparison.Ordinal);
            Assert.All(events, item => Assert.DoesNotContain(secret, item.ToJsonString(), StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task EveryHook_Again_KeepsLoginAndUploadKey()
    {
        var cluster = await CreateAsync();
        var before = ((await DeliveredAsync()).ToJsonString(), (await FindBesideAsync())!.ToJsonString(), await UploadKeyAsync());
        using var capi = _service.CreateClusterApi();

        foreach (var hook in new[] { "BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade" })
        {
            var request = RecordedHookRequest.Load(Version, hook).For(cluster);
            request.Body["cluster"]!["spec"]!["topology"]!["variables"] = Variables();
            var answer = await capi.PostAsync(request, CancellationToken);
            Assert.True(answer.Status == "Success" && answer.RetryAfterSeconds is null or 0, answer.Text);
        }

        Assert.Equal(before, ((await DeliveredAsync()).ToJsonString(), (await FindBesideAsync())!.ToJsonString(), await UploadKeyAsync()));
    }

    [Fact]
    public async Task RotatePassword_Requested_AcceptsBothUntilNoMachineIsOlder()
    {
        await CreateMachineAsync();
        await CreateAsync();
        var first = RegistryState.Text(await DeliveredAsync(), "htpasswd");

        await AnnotateAsync("capi-registry-hook.io/rotate-password", "1");
        await UntilAsync("both logins are delivered", async () =>
            RegistryState.Text(await DeliveredAsync(), "htpasswd").EndsWith(first, StringComparison.Ordinal)
            && RegistryState.Text(await DeliveredAsync(), "username") == "registry-2");
        Assert.Equal(2, RegistryState.Text(await DeliveredAsync(), "htpasswd").Count(letter => letter == '\n'));
        Assert.Equal("registry-2", RegistryState.Text((await FindBesideAsync())!, "username"));

        await _environment.ManagementObjects.DeleteIfThereAsync(Machines, "m1", CancellationToken);
        await AnnotateAsync("example.com/touched", "1");
        await UntilAsync("the former login is dropped", async () =>
            !RegistryState.Text(await DeliveredAsync(), "htpasswd").Contains("registry-1:", StringComparison.Ordinal));
        Assert.StartsWith("registry-2:$2y$", RegistryState.Text(await DeliveredAsync(), "htpasswd"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Delivered_Deleted_ComesBackAsItWas()
    {
        var cluster = await CreateAsync();
        var before = RegistryState.Text(await DeliveredAsync(), "htpasswd");
        await _environment.WorkloadObjects.DeleteIfThereAsync(AdminClient.Secrets("registry-system"), "registry-auth", CancellationToken);

        await AnnotateAsync("capi-registry-hook.io/renew", "1", cluster);

        Assert.Equal(before, RegistryState.Text(await DeliveredAsync(), "htpasswd"));
    }

    [Fact]
    public async Task ForeignSecret_WhereTheLoginIsDelivered_IsLeftAlone()
    {
        const string Namespaces = "/api/v1/namespaces";
        if (await _environment.WorkloadObjects.FindAsync(Namespaces, "registry-system", CancellationToken) is null)
            await _environment.WorkloadObjects.CreateAsync(
                Namespaces, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "registry-system" } }, CancellationToken);
        await _environment.WorkloadObjects.CreateAsync(AdminClient.Secrets("registry-system"), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "registry-auth" },
            ["data"] = new JsonObject { ["htpasswd"] = Convert.ToBase64String("mine:x"u8) },
        }, CancellationToken);

        await CreateAsync();

        await _service.WaitForLogAsync("The Secret registry-system/registry-auth on the workload cluster is not ours", CancellationToken);
        Assert.Equal("mine:x", RegistryState.Text((await FindDeliveredAsync())!, "htpasswd"));
    }

    private async Task<TestCluster> CreateAsync()
    {
        var cluster = TestEnvironment.NewCluster("c1");
        cluster["spec"]!["topology"]!["variables"] = Variables();
        var created = await _environment.ManagementObjects.CreateAsync(AdminClient.Clusters("default"), cluster, CancellationToken);
        var test = new TestCluster("c1", "default", (string)created["metadata"]!["uid"]!);
        await _environment.GiveKubeconfigAsync(test, CancellationToken);
        return test;
    }

    private static JsonArray Variables() => new(JsonNode.Parse(
        """{ "name": "clusterConfig", "value": { "addons": { "registry": { "auth": { "generate": true } } } } }"""));

    private Task<JsonObject> CreateMachineAsync() => _environment.ManagementObjects.CreateAsync(Machines, new JsonObject
    {
        ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
        ["kind"] = "Machine",
        ["metadata"] = new JsonObject
        {
            ["name"] = "m1",
            ["labels"] = new JsonObject { ["cluster.x-k8s.io/cluster-name"] = "c1" },
        },
        ["spec"] = new JsonObject
        {
            ["clusterName"] = "c1",
            ["bootstrap"] = new JsonObject { ["dataSecretName"] = "m1" },
            ["infrastructureRef"] = new JsonObject
            {
                ["apiGroup"] = "infrastructure.cluster.x-k8s.io",
                ["kind"] = "InMemoryMachine",
                ["name"] = "m1",
            },
        },
    }, CancellationToken);

    private async Task<JsonObject> DeliveredAsync()
    {
        // The release is written last.
        await UntilAsync("the login is delivered", async () => await _environment.ManagementObjects.FindAsync(
            AdminClient.ChartProxies("default"), "c1-registry", CancellationToken) is not null && await FindDeliveredAsync() is not null);
        return (await FindDeliveredAsync())!;
    }

    private Task<JsonObject?> FindDeliveredAsync() =>
        _environment.WorkloadObjects.FindAsync(AdminClient.Secrets("registry-system"), "registry-auth", CancellationToken);

    private Task<JsonObject?> FindBesideAsync() =>
        _environment.ManagementObjects.FindAsync(AdminClient.Secrets("default"), Beside, CancellationToken);

    private async Task<string> UploadKeyAsync() => RegistryState.Text(await _environment.WorkloadObjects.GetAsync(
        AdminClient.Secrets("registry-system"), "registry-http", CancellationToken), "httpSecret");

    private Task<JsonObject> AnnotateAsync(string annotation, string value, TestCluster? cluster = null) =>
        _environment.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), cluster?.Name ?? "c1",
            new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [annotation] = value } } },
            CancellationToken);

    private Task UntilAsync(string what, Func<Task<bool>> isSo) => Polling.UntilAsync(what, isSo, () => _service.Log, CancellationToken);
}

/// <summary>On API servers in this process.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class EmbeddedGeneratedLoginTests(EmbeddedEnvironment environment) : GeneratedLoginScenarios(environment);

/// <summary>On real kube-apiservers with etcd.</summary>
[Collection(OnApiServers.Name)]
public sealed class RealGeneratedLoginTests(RealEnvironment environment) : GeneratedLoginScenarios(environment);
