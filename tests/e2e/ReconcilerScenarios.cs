using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// What the service does for Clusters without being called: the published program with its reconciler on, as it is installed. The
/// same scenarios run on embedded and on real API servers. Each waits for objects and not for a time.
/// </summary>
public abstract class ReconcilerScenarios(EnvironmentFixture fixture) : IAsyncLifetime
{
    private const string Version = "1.13.4";
    private const string Claims = "/api/v1/namespaces/registry-system/persistentvolumeclaims";

    private HookService _service = null!;

    protected TestEnvironment Environment { get; private set; } = null!;

    protected static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Environment = await fixture.EmptyAsync(CancellationToken);
        _service = await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        var log = _service.Log;
        await _service.DisposeAsync();
        Secrecy.AssertNoSecretIn(log, Environment);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Variable_SetOnARunningCluster_BringsARegistry()
    {
        var cluster = await CreateAsync("c1", asksForRegistry: false);
        await _service.WaitForLogAsync("listed", CancellationToken);

        await SetVariableAsync("c1", new JsonObject { ["registry"] = new JsonObject() });

        var state = await InstalledAsync(cluster);
        Assert.True(state.Verifies("10.128.0.20"));
        Assert.Equal("c1", (string?)state.Cluster["metadata"]!["labels"]!["cluster.x-k8s.io/cluster-name"]);
    }

    [Fact]
    public async Task Variable_RemovedAndSetAgain_TakesTheRegistryAwayAndBringsItBackWithItsCertificate()
    {
        var cluster = await CreateAsync("c1");
        var before = await InstalledAsync(cluster);

        await SetVariableAsync("c1", null);
        await UntilAsync("the HelmChartProxy is gone", async () => (await ReadAsync(cluster)).ChartProxy is null);
        var off = await ReadAsync(cluster);
        await SetVariableAsync("c1", new JsonObject { ["registry"] = new JsonObject() });
        var after = await InstalledAsync(cluster);

        Assert.Equal((before.Serial, before.Serial), (off.Serial, after.Serial));
        Assert.Equal(before.Versions.Take(2), after.Versions.Take(2));
    }

    [Fact]
    public async Task Variable_Removed_WhereDataIsDeleted_TakesVolumesAndCertificateAndNothingElse()
    {
        await _service.DisposeAsync();
        _service = await StartAsync("--on-disable", "Delete");
        var cluster = await CreateAsync("c1");
        await InstalledAsync(cluster);
        await CreateClaimAsync("data-registry-0", "registry");
        await CreateClaimAsync("data-mine-0", "mine");

        await SetVariableAsync("c1", null);
        await UntilAsync("the HelmChartProxy is gone", async () => (await ReadAsync(cluster)).ChartProxy is null);

        var state = await ReadAsync(cluster);
        Assert.Null(state.Certificate);
        Assert.NotNull(state.Trust);
        Assert.Equal(["data-mine-0"],
            (await Environment.WorkloadObjects.ListAsync(Claims, CancellationToken)).Select(claim => (string?)claim["metadata"]!["name"]));
        await Environment.WorkloadObjects.DeleteIfThereAsync(Claims, "data-mine-0", CancellationToken);
    }

    [Fact]
    public async Task Variable_Removed_WhereDataIsDeletedAndTheClusterIsAway_KeepsTheReleaseUntilItIsBack()
    {
        await _service.DisposeAsync();
        _service = await StartAsync("--on-disable", "Delete");
        var cluster = await CreateAsync("c1");
        await InstalledAsync(cluster);
        await Environment.ManagementObjects.DeleteIfThereAsync(AdminClient.Secrets("default"), "c1-kubeconfig", CancellationToken);

        await SetVariableAsync("c1", null);
        await _service.WaitForLogAsync("kubeconfig is not there yet", CancellationToken);
        var away = await ReadAsync(cluster);
        await Environment.GiveKubeconfigAsync(cluster, CancellationToken);
        await UntilAsync("the HelmChartProxy is gone", async () => (await ReadAsync(cluster)).ChartProxy is null);

        Assert.NotNull(away.ChartProxy);
        Assert.NotNull(away.Certificate);
        Assert.Null((await ReadAsync(cluster)).Certificate);
    }

    [Fact]
    public async Task Variable_Removed_LeavesForeignHelmChartProxiesAlone()
    {
        var cluster = await CreateAsync("c1", asksForRegistry: false);
        var foreign = new JsonObject
        {
            ["apiVersion"] = "addons.cluster.x-k8s.io/v1alpha1",
            ["kind"] = "HelmChartProxy",
            ["metadata"] = new JsonObject { ["name"] = "c1-registry" },
            ["spec"] = new JsonObject
            {
                ["clusterSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["a"] = "b" } },
                ["repoURL"] = "oci://example.com/charts",
                ["chartName"] = "registry",
            },
        };
        await Environment.ManagementObjects.CreateAsync(AdminClient.ChartProxies("default"), foreign, CancellationToken);
        await InstalledAsync(await CreateAsync("c2"));

        Assert.NotNull((await ReadAsync(cluster)).ChartProxy);
    }

    [Fact]
    public async Task Drift_OnTheManagementCluster_IsRepairedAtOnce()
    {
        var cluster = await CreateAsync("c1");
        var expected = (await InstalledAsync(cluster)).Describe(cluster);

        await Environment.ManagementObjects.MergePatchAsync(AdminClient.ChartProxies("default"), "c1-registry",
            new JsonObject { ["spec"] = new JsonObject { ["version"] = "9.9.9" } }, CancellationToken);
        await UntilAsync("the version is right", async () => (await ReadAsync(cluster)).Describe(cluster) == expected);
        await Environment.ManagementObjects.DeleteIfThereAsync(AdminClient.ChartProxies("default"), "c1-registry", CancellationToken);
        var state = await InstalledAsync(cluster);

        Assert.Equal(expected, state.Describe(cluster));
    }

    /// <summary>Secrets are not watched; the next look, here brought about by a touch of the Cluster, finds them.</summary>
    [Fact]
    public async Task Drift_SecretsDeletedOrEdited_AreRepairedAtTheNextLook()
    {
        var cluster = await CreateAsync("c1");
        var expected = (await InstalledAsync(cluster)).Describe(cluster);

        await Environment.ManagementObjects.DeleteIfThereAsync(AdminClient.Secrets("default"), "c1-registry-addon-ca", CancellationToken);
        await AnnotateAsync("c1", "example.com/touched", "1");
        await UntilAsync("the CA Secret is back", async () => (await ReadAsync(cluster)).Trust is not null);
        await Environment.WorkloadObjects.DeleteIfThereAsync(AdminClient.Secrets("registry-system"), "registry-tls", CancellationToken);
        await AnnotateAsync("c1", "capi-registry-hook.io/renew", "because it is gone");
        await UntilAsync("registry-tls is back", async () => (await ReadAsync(cluster)).Certificate is not null);
        await AnnotateAsync("c1", "capi-registry-hook.io/renew", null);

        var state = await InstalledAsync(cluster);
        Assert.True(state.Verifies("10.128.0.20"));
        Assert.Equal(Chart(expected), Chart(state.Describe(cluster)));
    }

    [Fact]
    public async Task Renew_Annotation_RenewsOncePerValue()
    {
        var cluster = await CreateAsync("c1");
        var serials = new List<string> { (await InstalledAsync(cluster)).Serial };

        foreach (var order in new[] { "one", "two" })
        {
            await AnnotateAsync("c1", "capi-registry-hook.io/renew", order);
            await UntilAsync($"order {order} is done", async () =>
                (string?)(await ReadAsync(
                    cluster)).ChartProxy?["metadata"]!["annotations"]!["capi-registry-hook.io/certificate-requested-by"] == order);
            serials.Add((await InstalledAsync(cluster)).Serial);
        }

        await AnnotateAsync("c1", "example.com/touched", "1");
        await InstalledAsync(await CreateAsync("c2"));
        Assert.Equal(3, serials.Distinct().Count());
        Assert.Equal(serials[^1], (await ReadAsync(cluster)).Serial);
    }

    [Fact]
    public async Task Events_TellWhatWasDoneAndWhatIsWrongOnce()
    {
        await InstalledAsync(await CreateAsync("c1"));
        await SetVariableAsync("c1", new JsonObject { ["registry"] = new JsonObject { ["replicas"] = 99 } });
        await UntilAsync("the mistake is told", async () => (await ReasonsAsync()).Contains("InvalidVariable"));
        await AnnotateAsync("c1", "example.com/touched", "1");
        await ReadyOrNotAsync("invalid");
        await SetVariableAsync("c1", null);
        await UntilAsync("the end is told", async () => (await ReasonsAsync()).Contains("Disabled"));

        Assert.Equal(
            ["CertificateIssued", "Disabled", "InvalidVariable", "RegistryInstalled"],
            (await ReasonsAsync()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Status_PrintsATableAndJson()
    {
        await InstalledAsync(await CreateAsync("c1"));
        await CreateAsync("c2", asksForRegistry: false);
        await using var folder = ScratchFolder.Create("capi-registry-hook-status-");
        string[] arguments = ["status", "--hook-namespace", HookService.Namespace, "--kubeconfig",
            folder.Write("kubeconfig", Environment.Management.Kubeconfig)];

        var table = await ProgramRun.RunAsync(HookService.ProgramPath(), arguments, CancellationToken);
        var json = await ProgramRun.RunAsync(HookService.ProgramPath(), [.. arguments, "-o", "json"], CancellationToken);
        var bad = await ProgramRun.RunAsync(HookService.ProgramPath(), [.. arguments, "-o", "xml"], CancellationToken);

        Assert.True(table.ExitCode == 0, table.Errors);
        Assert.Matches(@"default/c1 +yes +10\.128\.0\.20:443 +20[0-9-]+ +1 +[0-9a-f]{8} +waiting", table.Output);
        Assert.Matches("default/c2 +no +- +- +- +- +off", table.Output);
        var clusters = JsonNode.Parse(json.Output)!["clusters"]!.AsArray();
        Assert.Equal(["c1", "c2"], clusters.Select(item => (string)item!["name"]!));
        Assert.Equal(1, (int)clusters[0]!["rootGeneration"]!);
        Assert.Equal(2, bad.ExitCode);
    }

    [Fact]
    public async Task PausedOrDeletedClusters_AreLeftAlone()
    {
        await Environment.ManagementObjects.CreateAsync(AdminClient.Clusters("default"), Paused("p1", spec: true), CancellationToken);
        await Environment.ManagementObjects.CreateAsync(AdminClient.Clusters("default"), Paused("p2", spec: false), CancellationToken);
        var deleting = TestEnvironment.NewCluster("d1");
        deleting["metadata"]!["finalizers"] = new JsonArray("example.com/held");
        await Environment.ManagementObjects.CreateAsync(AdminClient.Clusters("default"), deleting, CancellationToken);
        await Environment.ManagementObjects.DeleteIfThereAsync(AdminClient.Clusters("default"), "d1", CancellationToken);
        foreach (var name in new[] { "p1", "p2", "d1" })
            await Environment.GiveKubeconfigAsync(new TestCluster(name, "default", ""), CancellationToken);

        await InstalledAsync(await CreateAsync("c1"));

        foreach (var name in new[] { "p1", "p2", "d1" })
            Assert.Null(
                await Environment.ManagementObjects.FindAsync(AdminClient.ChartProxies("default"), $"{name}-registry", CancellationToken));
        await Environment.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), "d1",
            new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = null } }, CancellationToken);
        await Environment.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), "p1",
            new JsonObject { ["spec"] = new JsonObject { ["paused"] = false } }, CancellationToken);
        await UntilAsync("p1 goes on", async () =>
            await Environment.ManagementObjects.FindAsync(
                AdminClient.ChartProxies("default"), "p1-registry", CancellationToken) is not null);
    }

    [Fact]
    public async Task AfterControlPlaneInitialized_NoKubeconfigYet_SucceedsAndIsFinishedLater()
    {
        var cluster = await Environment.CreateClusterAsync("c1", CancellationToken);
        using var capi = _service.CreateClusterApi();

        var first = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);
        var second = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);
        await Environment.GiveKubeconfigAsync(cluster, CancellationToken);
        await AnnotateAsync("c1", "example.com/touched", "1");

        Assert.Equal((200, "Success"), (first.StatusCode, first.Status));
        Assert.Contains("the reconciler will retry", first.Message, StringComparison.Ordinal);
        Assert.Equal(first.Text, second.Text);
        await InstalledAsync(cluster);
    }

    [Fact]
    public async Task VariableRenamedByTheAdmin_KeepsEveryRegistry()
    {
        var cluster = await CreateAsync("c1");
        await InstalledAsync(cluster);
        await _service.DisposeAsync();

        _service = await StartAsync("--variable-path", "elsewhere.registry");
        await _service.WaitForLogAsync("now looks in clusterConfig.elsewhere.registry", CancellationToken);

        Assert.NotNull((await ReadAsync(cluster)).ChartProxy);
    }

    [Fact]
    public async Task WatchNamespaces_OthersAreLeftAlone()
    {
        await _service.DisposeAsync();
        _service = await StartAsync("--watch-namespaces", "kube-public");
        await _service.WaitForLogAsync("listed", CancellationToken);
        var outside = await CreateAsync("c1");
        var inside = await Environment.CreateClusterAsync("n1", CancellationToken, "kube-public");
        try
        {
            await Environment.GiveKubeconfigAsync(inside, CancellationToken);
            await AnnotateAsync("n1", "example.com/touched", "1", "kube-public");
            await InstalledAsync(inside);
            Assert.Null((await ReadAsync(outside)).ChartProxy);
        }
        finally
        {
            await Environment.ManagementObjects.DeleteIfThereAsync(AdminClient.Clusters("kube-public"), "n1", CancellationToken);
            foreach (var secret in new[] { "n1-kubeconfig", "n1-registry-addon-ca" })
                await Environment.ManagementObjects.DeleteIfThereAsync(AdminClient.Secrets("kube-public"), secret, CancellationToken);
            await Environment.ManagementObjects.DeleteIfThereAsync(
                AdminClient.ChartProxies("kube-public"), "n1-registry", CancellationToken);
        }
    }

    protected Task<HookService> StartAsync(params string[] more) =>
        HookService.StartAsync(
            Environment.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s", .. more], CancellationToken);

    /// <summary>A Cluster whose control plane answers already.</summary>
    protected async Task<TestCluster> CreateAsync(string name, bool asksForRegistry = true)
    {
        await Environment.GiveKubeconfigAsync(new TestCluster(name, "default", ""), CancellationToken);
        if (asksForRegistry)
            return await Environment.CreateClusterAsync(name, CancellationToken);
        var cluster = TestEnvironment.NewCluster(name);
        cluster["spec"]!["topology"]!["variables"]![0]!["value"] = new JsonObject { ["note"] = "no registry" };
        var created = await Environment.ManagementObjects.CreateAsync(AdminClient.Clusters("default"), cluster, CancellationToken);
        return new TestCluster(name, "default", (string)created["metadata"]!["uid"]!);
    }

    /// <summary>Waits until the registry is asked for with the certificate that lies on the workload cluster.</summary>
    private protected async Task<RegistryState> InstalledAsync(TestCluster cluster)
    {
        var state = await ReadAsync(cluster);
        await UntilAsync($"{cluster.Name} is installed", async () =>
        {
            state = await ReadAsync(cluster);
            return state is { ChartProxy: not null, Certificate: not null, Trust: not null } && state.ChartSerial == state.Serial;
        });
        return state;
    }

    private protected Task<RegistryState> ReadAsync(TestCluster cluster) =>
        RegistryState.ReadAsync(Environment, cluster, CancellationToken);

    protected Task UntilAsync(string what, Func<Task<bool>> isSo) => Polling.UntilAsync(what, isSo, () => _service.Log, CancellationToken);

    protected Task AnnotateAsync(string cluster, string annotation, string? value, string @namespace = "default") =>
        Environment.ManagementObjects.MergePatchAsync(AdminClient.Clusters(@namespace), cluster,
            new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [annotation] = value } } },
            CancellationToken);

    /// <summary>There are no pods here whose certificate could be seen, so what the service would write down is written for it.</summary>
    protected async Task SeenServedAsync(string serial, string cluster = "c1")
    {
        var releases = AdminClient.ChartProxies("default");
        var release = await Environment.ManagementObjects.GetAsync(releases, $"{cluster}-registry", CancellationToken);
        var revision = (string)release["metadata"]!["annotations"]!["capi-registry-hook.io/release-revision"]!;
        await Environment.ManagementObjects.MergePatchAsync(releases, $"{cluster}-registry", new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["annotations"] = new JsonObject
                {
                    ["capi-registry-hook.io/certificate-served"] = serial, ["capi-registry-hook.io/release-served"] = revision,
                },
            },
        }, CancellationToken);
    }

    /// <summary>Waits until so many clusters need nothing.</summary>
    protected Task ReadyAsync(int count) =>
        _service.WaitForMetricAsync($"capi_registry_hook_clusters{{phase=\"ready\"}} {count}", CancellationToken);

    /// <summary>
    /// A claim as a StatefulSet makes one; without the finalizer by which a real API server keeps it for a controller that is not there.
    /// </summary>
    private async Task CreateClaimAsync(string name, string instance)
    {
        await Environment.WorkloadObjects.CreateAsync(Claims, new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = name,
                ["labels"] = new JsonObject { ["app.kubernetes.io/instance"] = instance, ["app.kubernetes.io/component"] = "registry" },
            },
            ["spec"] = new JsonObject
            {
                ["accessModes"] = new JsonArray("ReadWriteOnce"),
                ["resources"] = new JsonObject { ["requests"] = new JsonObject { ["storage"] = "1Gi" } },
            },
        }, CancellationToken);
        await Environment.WorkloadObjects.MergePatchAsync(
            Claims, name, new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = null } }, CancellationToken);
    }

    private Task ReadyOrNotAsync(string phase) =>
        _service.WaitForMetricAsync($"capi_registry_hook_clusters{{phase=\"{phase}\"}} 1", CancellationToken);

    private async Task<List<string>> ReasonsAsync() =>
        [.. (await Environment.ManagementObjects.ListAsync(AdminClient.Events("default"), CancellationToken))
            .Where(item => (string?)item["reportingController"] == "capi-registry-hook.io/reconciler")
            .Select(item => (string)item["reason"]!)];

    private Task<JsonObject> SetVariableAsync(string cluster, JsonObject? addons)
    {
        var value = new JsonObject { ["addons"] = addons };
        var variables = new JsonArray(new JsonObject { ["name"] = "clusterConfig", ["value"] = value });
        return Environment.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), cluster,
            new JsonObject { ["spec"] = new JsonObject { ["topology"] = new JsonObject { ["variables"] = variables } } },
            CancellationToken);
    }

    private static JsonObject Paused(string name, bool spec)
    {
        var cluster = TestEnvironment.NewCluster(name);
        if (spec)
            cluster["spec"]!["paused"] = true;
        else
            cluster["metadata"]!["annotations"] = new JsonObject { ["cluster.x-k8s.io/paused"] = "" };
        return cluster;
    }

    private static string Chart(string description) =>
        string.Join('\n', description.Split('\n').Where(line => line.StartsWith("chart", StringComparison.Ordinal)));
}

/// <summary>On API servers in this process.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class EmbeddedReconcilerTests(EmbeddedEnvironment environment) : ReconcilerScenarios(environment)
{
    /// <summary>
    /// A look at a Cluster that needs nothing: the management cluster is read, nothing is written, and the workload cluster is not
    /// called.
    /// </summary>
    [Fact]
    public async Task Look_NothingDue_ReadsTheManagementClusterAlone()
    {
        var (management, workload) = ((EmbeddedApiServer)Environment.Management, (EmbeddedApiServer)Environment.Workload);
        var cluster = await CreateAsync("c1");
        var serial = (await InstalledAsync(cluster)).Serial;
        await SeenServedAsync(serial);
        await ReadyAsync(1);
        management.ClearCalls();
        workload.ClearCalls();

        await AnnotateAsync("c1", "example.com/touched", "1");
        await UntilAsync(
            "c1 was looked at", () => Task.FromResult(management.Calls.Any(call => call is { Verb: "get", Name: "c1-registry" })));
        await AnnotateAsync("c1", "example.com/touched", "2");
        await UntilAsync("c1 was looked at again",
            () => Task.FromResult(management.Calls.Count(call => call is { Verb: "get", Name: "c1-registry" }) > 1));

        Assert.Empty(workload.Calls);
        Assert.DoesNotContain(management.Calls, call => call.IsWrite && call.Resource is not "leases" && call.Name != "c1");
        Assert.All(management.Calls.Where(call => call.Name == "c1" && call.IsWrite), call => Assert.Null(call.FieldManager));
    }
}

/// <summary>On real kube-apiservers with etcd.</summary>
[Collection(OnApiServers.Name)]
public sealed class RealReconcilerTests(RealEnvironment environment) : ReconcilerScenarios(environment);
