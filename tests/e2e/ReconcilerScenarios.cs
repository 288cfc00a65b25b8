using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// What the service does for Clusters without being called: the published program with its reconciler on, as it is installed. The
/// same scenarios run on embedded and on real API servers. Each waits for objects and not for a time.
/// </summary>
[Collection("stage")]
public abstract class ReconcilerScenarios(StageFixture fixture) : IAsyncLifetime
{
    private const string Version = "1.13.4";
    private const string Claims = "/api/v1/namespaces/registry-system/persistentvolumeclaims";

    private HookService _service = null!;

    protected Stage Stage { get; private set; } = null!;

    protected static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Stage = await fixture.EmptyAsync(Cancelled);
        _service = await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        var log = _service.Log;
        await _service.DisposeAsync();
        Secrecy.AssertNoSecretIn(log, Stage);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Variable_SetOnARunningCluster_BringsARegistry()
    {
        var cluster = await CreateAsync("c1", asksForRegistry: false);
        await _service.LoggedAsync("listed", Cancelled);

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
            (await Stage.WorkloadObjects.ListAsync(Claims, Cancelled)).Select(claim => (string?)claim["metadata"]!["name"]));
        await Stage.WorkloadObjects.DeleteIfThereAsync(Claims, "data-mine-0", Cancelled);
    }

    [Fact]
    public async Task Variable_Removed_WhereDataIsDeletedAndTheClusterIsAway_KeepsTheReleaseUntilItIsBack()
    {
        await _service.DisposeAsync();
        _service = await StartAsync("--on-disable", "Delete");
        var cluster = await CreateAsync("c1");
        await InstalledAsync(cluster);
        await Stage.ManagementObjects.DeleteIfThereAsync(AdminClient.Secrets("default"), "c1-kubeconfig", Cancelled);

        await SetVariableAsync("c1", null);
        await _service.LoggedAsync("kubeconfig is not there yet", Cancelled);
        var away = await ReadAsync(cluster);
        await Stage.GiveKubeconfigAsync(cluster, Cancelled);
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
        await Stage.ManagementObjects.CreateAsync(AdminClient.ChartProxies("default"), foreign, Cancelled);
        await InstalledAsync(await CreateAsync("c2"));

        Assert.NotNull((await ReadAsync(cluster)).ChartProxy);
    }

    [Fact]
    public async Task Drift_OnTheManagementCluster_IsRepairedAtOnce()
    {
        var cluster = await CreateAsync("c1");
        var expected = (await InstalledAsync(cluster)).Describe(cluster);

        await Stage.ManagementObjects.MergePatchAsync(AdminClient.ChartProxies("default"), "c1-registry",
            new JsonObject { ["spec"] = new JsonObject { ["version"] = "9.9.9" } }, Cancelled);
        await UntilAsync("the version is right", async () => (await ReadAsync(cluster)).Describe(cluster) == expected);
        await Stage.ManagementObjects.DeleteIfThereAsync(AdminClient.ChartProxies("default"), "c1-registry", Cancelled);
        await UntilAsync("the HelmChartProxy is back", async () => (await ReadAsync(cluster)).ChartProxy is not null);

        Assert.Equal(expected, (await ReadAsync(cluster)).Describe(cluster));
    }

    /// <summary>Secrets are not watched; the next look, here brought about by a touch of the Cluster, finds them.</summary>
    [Fact]
    public async Task Drift_SecretsDeletedOrEdited_AreRepairedAtTheNextLook()
    {
        var cluster = await CreateAsync("c1");
        var expected = (await InstalledAsync(cluster)).Describe(cluster);

        await Stage.ManagementObjects.DeleteIfThereAsync(AdminClient.Secrets("default"), "c1-registry-addon-ca", Cancelled);
        await AnnotateAsync("c1", "example.com/touched", "1");
        await UntilAsync("the CA Secret is back", async () => (await ReadAsync(cluster)).Trust is not null);
        await Stage.WorkloadObjects.DeleteIfThereAsync(AdminClient.Secrets("registry-system"), "registry-tls", Cancelled);
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
            folder.Write("kubeconfig", Stage.Management.Kubeconfig)];

        var table = await ProgramRun.RunAsync(HookService.ProgramPath(), arguments, Cancelled);
        var json = await ProgramRun.RunAsync(HookService.ProgramPath(), [.. arguments, "-o", "json"], Cancelled);
        var bad = await ProgramRun.RunAsync(HookService.ProgramPath(), [.. arguments, "-o", "xml"], Cancelled);

        Assert.True(table.ExitCode == 0, table.Errors);
        Assert.Matches(@"default/c1 +yes +10\.128\.0\.20:443 +20[0-9-]+ +1 +waiting", table.Output);
        Assert.Matches("default/c2 +no +- +- +- +off", table.Output);
        var clusters = JsonNode.Parse(json.Output)!["clusters"]!.AsArray();
        Assert.Equal(["c1", "c2"], clusters.Select(item => (string)item!["name"]!));
        Assert.Equal(1, (int)clusters[0]!["rootGeneration"]!);
        Assert.Equal(2, bad.ExitCode);
    }

    [Fact]
    public async Task PausedOrDeletedClusters_AreLeftAlone()
    {
        await Stage.ManagementObjects.CreateAsync(AdminClient.Clusters("default"), Paused("p1", spec: true), Cancelled);
        await Stage.ManagementObjects.CreateAsync(AdminClient.Clusters("default"), Paused("p2", spec: false), Cancelled);
        var deleting = Stage.NewCluster("d1");
        deleting["metadata"]!["finalizers"] = new JsonArray("example.com/held");
        await Stage.ManagementObjects.CreateAsync(AdminClient.Clusters("default"), deleting, Cancelled);
        await Stage.ManagementObjects.DeleteIfThereAsync(AdminClient.Clusters("default"), "d1", Cancelled);
        foreach (var name in new[] { "p1", "p2", "d1" })
            await Stage.GiveKubeconfigAsync(new TestCluster(name, "default", ""), Cancelled);

        await InstalledAsync(await CreateAsync("c1"));

        foreach (var name in new[] { "p1", "p2", "d1" })
            Assert.Null(await Stage.ManagementObjects.FindAsync(AdminClient.ChartProxies("default"), $"{name}-registry", Cancelled));
        await Stage.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), "d1",
            new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = null } }, Cancelled);
        await Stage.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), "p1",
            new JsonObject { ["spec"] = new JsonObject { ["paused"] = false } }, Cancelled);
        await UntilAsync("p1 goes on", async () =>
            await Stage.ManagementObjects.FindAsync(AdminClient.ChartProxies("default"), "p1-registry", Cancelled) is not null);
    }

    [Fact]
    public async Task AfterControlPlaneInitialized_NoKubeconfigYet_SucceedsAndIsFinishedLater()
    {
        var cluster = await Stage.CreateClusterAsync("c1", Cancelled);
        using var capi = _service.CreateClusterApi();

        var first = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, Cancelled);
        var second = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, Cancelled);
        await Stage.GiveKubeconfigAsync(cluster, Cancelled);
        await AnnotateAsync("c1", "example.com/touched", "1");

        Assert.Equal((200, "Success"), (first.StatusCode, first.Status));
        Assert.Contains("goes on with it by itself", first.Message, StringComparison.Ordinal);
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
        await _service.LoggedAsync("now looks in clusterConfig.elsewhere.registry", Cancelled);

        Assert.NotNull((await ReadAsync(cluster)).ChartProxy);
    }

    [Fact]
    public async Task WatchNamespaces_OthersAreLeftAlone()
    {
        await _service.DisposeAsync();
        _service = await StartAsync("--watch-namespaces", "kube-public");
        await _service.LoggedAsync("listed", Cancelled);
        var outside = await CreateAsync("c1");
        var inside = await Stage.CreateClusterAsync("n1", Cancelled, "kube-public");
        try
        {
            await Stage.GiveKubeconfigAsync(inside, Cancelled);
            await AnnotateAsync("n1", "example.com/touched", "1", "kube-public");
            await InstalledAsync(inside);
            Assert.Null((await ReadAsync(outside)).ChartProxy);
        }
        finally
        {
            await Stage.ManagementObjects.DeleteIfThereAsync(AdminClient.Clusters("kube-public"), "n1", Cancelled);
            foreach (var secret in new[] { "n1-kubeconfig", "n1-registry-addon-ca" })
                await Stage.ManagementObjects.DeleteIfThereAsync(AdminClient.Secrets("kube-public"), secret, Cancelled);
            await Stage.ManagementObjects.DeleteIfThereAsync(AdminClient.ChartProxies("kube-public"), "n1-registry", Cancelled);
        }
    }

    protected Task<HookService> StartAsync(params string[] more) =>
        HookService.StartAsync(Stage.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s", .. more], Cancelled);

    /// <summary>A Cluster whose control plane answers already.</summary>
    protected async Task<TestCluster> CreateAsync(string name, bool asksForRegistry = true)
    {
        await Stage.GiveKubeconfigAsync(new TestCluster(name, "default", ""), Cancelled);
        if (asksForRegistry)
            return await Stage.CreateClusterAsync(name, Cancelled);
        var cluster = Stage.NewCluster(name);
        cluster["spec"]!["topology"]!["variables"]![0]!["value"] = new JsonObject { ["note"] = "no registry" };
        var created = await Stage.ManagementObjects.CreateAsync(AdminClient.Clusters("default"), cluster, Cancelled);
        return new TestCluster(name, "default", (string)created["metadata"]!["uid"]!);
    }

    /// <summary>Waits until the registry is asked for with the certificate that lies on the workload cluster.</summary>
    private protected async Task<RegistryState> InstalledAsync(TestCluster cluster)
    {
        var state = await ReadAsync(cluster);
        await UntilAsync($"{cluster.Name} is installed", async () =>
        {
            state = await ReadAsync(cluster);
            return state is { ChartProxy: not null, Certificate: not null } && state.ChartSerial == state.Serial;
        });
        return state;
    }

    private protected Task<RegistryState> ReadAsync(TestCluster cluster) => RegistryState.ReadAsync(Stage, cluster, Cancelled);

    protected Task UntilAsync(string what, Func<Task<bool>> isSo) => Wait.UntilAsync(what, isSo, () => _service.Log, Cancelled);

    protected Task AnnotateAsync(string cluster, string annotation, string? value, string @namespace = "default") =>
        Stage.ManagementObjects.MergePatchAsync(AdminClient.Clusters(@namespace), cluster,
            new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [annotation] = value } } }, Cancelled);

    /// <summary>There are no pods here whose certificate could be seen, so what the service would write down is written for it.</summary>
    protected Task SeenServedAsync(string serial) =>
        Stage.ManagementObjects.MergePatchAsync(AdminClient.ChartProxies("default"), "c1-registry",
        new JsonObject { ["metadata"] =
            new JsonObject { ["annotations"] = new JsonObject { ["capi-registry-hook.io/certificate-served"] = serial } } }, Cancelled);

    /// <summary>Waits until so many clusters need nothing.</summary>
    protected Task ReadyAsync(int count) => _service.ShowsAsync($"capi_registry_hook_clusters{{phase=\"ready\"}} {count}", Cancelled);

    /// <summary>
    /// A claim as a StatefulSet makes one; without the finalizer by which a real API server keeps it for a controller that is not there.
    /// </summary>
    private async Task CreateClaimAsync(string name, string instance)
    {
        await Stage.WorkloadObjects.CreateAsync(Claims, new JsonObject
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
        }, Cancelled);
        await Stage.WorkloadObjects.MergePatchAsync(
            Claims, name, new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = null } }, Cancelled);
    }

    private Task ReadyOrNotAsync(string phase) => _service.ShowsAsync($"capi_registry_hook_clusters{{phase=\"{phase}\"}} 1", Cancelled);

    private async Task<List<string>> ReasonsAsync() =>
        [.. (await Stage.ManagementObjects.ListAsync(AdminClient.Events("default"), Cancelled))
            .Where(item => (string?)item["reportingController"] == "capi-registry-hook.io/reconciler")
            .Select(item => (string)item["reason"]!)];

    private Task<JsonObject> SetVariableAsync(string cluster, JsonObject? addons)
    {
        var value = new JsonObject { ["addons"] = addons };
        var variables = new JsonArray(new JsonObject { ["name"] = "clusterConfig", ["value"] = value });
        return Stage.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), cluster,
            new JsonObject { ["spec"] = new JsonObject { ["topology"] = new JsonObject { ["variables"] = variables } } }, Cancelled);
    }

    private static JsonObject Paused(string name, bool spec)
    {
        var cluster = Stage.NewCluster(name);
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
public sealed class EmbeddedReconcilerTests(EmbeddedStage stage) : ReconcilerScenarios(stage)
{
    /// <summary>
    /// A look at a Cluster that needs nothing: the management cluster is read, nothing is written, and the workload cluster is not
    /// called.
    /// </summary>
    [Fact]
    public async Task Look_NothingDue_ReadsTheManagementClusterAlone()
    {
        var (management, workload) = ((EmbeddedApiServer)Stage.Management, (EmbeddedApiServer)Stage.Workload);
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
public sealed class RealReconcilerTests(RealStage stage) : ReconcilerScenarios(stage);
