using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// The condition on Clusters that the published program keeps, beside a controller that writes the other conditions all the time as Cluster
/// API does: it reads the whole list, replaces its own entries and writes the list back under the version that it read.
/// </summary>
public abstract class ConditionScenarios(EnvironmentFixture fixture) : IAsyncLifetime
{
    private const string Type = "capi-registry-hook.io/RegistryReady";
    private const string Prefix = "capi-registry-hook.io/";

    private readonly CancellationTokenSource _stop = new();
    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-condition-");
    private TestEnvironment _environment = null!;
    private HookService? _service;
    private Task _others = Task.CompletedTask;
    private string _version = "v1beta2";
    private int _rounds;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    private string Clusters => AdminClient.Clusters("default", _version);

    private AdminClient Objects => _environment.ManagementObjects;

    public async ValueTask InitializeAsync() => _environment = await fixture.EmptyAsync(CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _stop.Dispose();
        await _folder.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Condition_OverTheLifeOfARegistry_AppearsChangesAndGoesAndDisturbsNoOther()
    {
        await StartAsync();

        await LiveAsync();
    }

    /// <summary>Part of Available: the gate is kept, and the condition that it names is there.</summary>
    [Fact]
    public async Task Example_AvailabilityGate_IsAcceptedAndItsConditionKept()
    {
        var example = await File.ReadAllTextAsync(
            Path.Combine(RepositoryRoot.Find(), "docs", "examples", "availability-gate.yaml"), CancellationToken);
        var cluster = YamlJson.Read(new StringReader(example.Split("\n---")[0]))!.AsObject();
        cluster["metadata"] = new JsonObject { ["name"] = "c1" };
        await GiveKubeconfigAsync();
        var created = await Objects.CreateAsync(Clusters, cluster, CancellationToken);
        await LaunchAsync();

        Assert.Equal(Type, (string?)created["spec"]!["availabilityGates"]![0]!["conditionType"]);
        await UntilAsync("False", "Installing");
        var status = await ProgramRun.RunAsync(HookService.ProgramPath(),
            ["status", "default/c1", "--kubeconfig", _folder.Write("kubeconfig", _environment.Management.Kubeconfig)], CancellationToken);
        Assert.Matches("Condition: +False Installing, since 20[0-9T:Z-]+: ", status.Output);
    }

    /// <summary>A release that Helm refuses is seen in the condition, in an Event and by status.</summary>
    [Fact]
    public async Task Condition_HelmRefusesTheRelease_SaysWhyWithinAMinute()
    {
        await StartAsync();
        await UntilAsync("False", "Installing");
        await ServeAsync();
        await UntilAsync("True", "Ready");
        var release = await Objects.MergePatchAsync(
            AdminClient.ChartProxies("default"), "c1-registry/status", ProviderStatus.ChartProxy("False"), CancellationToken);
        await Objects.CreateAsync(AdminClient.ReleaseProxies("default"), ProviderStatus.ReleaseProxy(release), CancellationToken);
        await Objects.MergePatchAsync(
            AdminClient.ReleaseProxies("default"), "c1-registry-x7k2p/status",
            ProviderStatus.Release("False", "HelmInstallOrUpgradeFailed", ProviderStatus.ImmutableField, "failed"), CancellationToken);

        var condition = await UntilAsync("False", "ReleaseFailed");
        Assert.Contains("updates to statefulset spec for fields other than", (string?)condition["message"], StringComparison.Ordinal);
        await Polling.UntilAsync("an Event", async () => (await Objects.ListAsync(AdminClient.Events("default"), CancellationToken))
            .Any(item => (string?)item["reason"] == "ReleaseFailed"), () => _service!.Log, CancellationToken);
        var status = await ProgramRun.RunAsync(
            HookService.ProgramPath(),
            ["status", "--kubeconfig", _folder.Write("kubeconfig", _environment.Management.Kubeconfig)], CancellationToken);
        Assert.Matches("default/c1 .* failing +The Helm release fails: cannot patch", status.Output);
        await Objects.DeleteIfThereAsync(AdminClient.ReleaseProxies("default"), "c1-registry-x7k2p", CancellationToken);
    }

    /// <summary>The same where Clusters are served in v1beta1 alone, on another management cluster.</summary>
    protected async Task LiveInVersionAsync(TestEnvironment other, string version)
    {
        (_environment, _version) = (other, version);
        await StartAsync();
        await LiveAsync();
        Assert.Equal("MachinesReady", (string?)Assert.Single((await ClusterAsync())["status"]!["conditions"]!.AsArray())!["type"]);
        await EndAsync();
    }

    private async Task EndAsync()
    {
        if (!_stop.IsCancellationRequested)
            await _stop.CancelAsync();
        await _others.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_service is not null)
            await _service.DisposeAsync();
        _service = null;
    }

    private async Task LiveAsync()
    {
        await UntilAsync("False", "Installing");
        await ServeAsync();
        var ready = await UntilAsync("True", "Ready");
        Assert.Equal((long)(await ClusterAsync())["metadata"]!["generation"]!, (long)ready["observedGeneration"]!);
        await SetVariableAsync(new JsonObject { ["registry"] = new JsonObject { ["replicas"] = "many" } });
        await UntilAsync("False", "InvalidVariable");
        await SetVariableAsync(new JsonObject { ["registry"] = new JsonObject() });
        await UntilAsync("True", "Ready");
        await SetVariableAsync(null);
        var cluster = await ClusterAsync();
        await Polling.UntilAsync("the condition is gone", async () => ListOf(cluster = await ClusterAsync()).All(
            condition => (string?)condition!["type"] != Type), () => cluster.ToJsonString() + _service!.Log, CancellationToken);

        var rounds = _rounds;
        await Polling.UntilAsync("the others go on", () => Task.FromResult(_rounds > rounds + 3 || _others.IsCompleted),
            () => _service!.Log, CancellationToken);
        Assert.False(_others.IsCompleted, _others.Exception?.ToString());
    }

    private async Task StartAsync()
    {
        await GiveKubeconfigAsync();
        var cluster = TestEnvironment.NewCluster("c1");
        cluster["apiVersion"] = $"cluster.x-k8s.io/{_version}";
        if (_version == "v1beta1")
            cluster["spec"]!["topology"]!["class"] = "in-memory";
        await Objects.CreateAsync(Clusters, cluster, CancellationToken);
        if (_version == "v1beta1")
        {
            await PatchStatusAsync(new JsonObject { ["conditions"] = new JsonArray(new JsonObject {
                ["type"] = "MachinesReady", ["status"] = "True", ["lastTransitionTime"] = "2026-01-01T00:00:00Z" }) }, null);
        }

        _others = Task.Run(() => WriteOthersAsync(_stop.Token), CancellationToken.None);
        await LaunchAsync();
    }

    private async Task LaunchAsync() => _service = await HookService.StartAsync(
        _environment.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s"], CancellationToken);

    private Task GiveKubeconfigAsync() => _environment.GiveKubeconfigAsync(new TestCluster("c1", "default", ""), CancellationToken);

    /// <summary>Fails when an entry is not as it was written last: then somebody else wrote it.</summary>
    private async Task WriteOthersAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var live = await ClusterAsync();
            var conditions = ListOf(live);
            var own = conditions.Where(condition => (string?)condition!["type"] != Type).ToList();
            if (_rounds > 0)
                Assert.Equal(["Available", "RemoteConnectionProbe"], own.Select(condition => (string?)condition!["type"]).Order());
            Assert.All(own, condition => Assert.Equal($"round {_rounds}", (string?)condition!["message"]));
            var next = conditions.Except(own).Select(condition => condition!.DeepClone()).Concat(
                new[] { "Available", "RemoteConnectionProbe" }.Select(type => new JsonObject
                {
                    ["type"] = type, ["status"] = _rounds % 2 == 0 ? "True" : "False", ["reason"] = "Test",
                    ["message"] = $"round {_rounds + 1}", ["lastTransitionTime"] = "2026-01-01T00:00:00Z",
                }));
            var list = new JsonObject { ["conditions"] = new JsonArray([.. next]) };
            if (await PatchStatusAsync(
                _version == "v1beta1" ? new JsonObject { ["v1beta2"] = list } : list, (string)live["metadata"]!["resourceVersion"]!))
                _rounds++;
        }
    }

    /// <summary>False when somebody else has written since.</summary>
    private async Task<bool> PatchStatusAsync(JsonObject status, string? resourceVersion)
    {
        try
        {
            var patch = new JsonObject { ["status"] = status };
            if (resourceVersion is not null)
                patch["metadata"] = new JsonObject { ["resourceVersion"] = resourceVersion };
            await Objects.MergePatchAsync(Clusters, "c1/status", patch, CancellationToken);
            return true;
        }
        catch (InvalidOperationException exception) when (exception.Message.Contains("answered 409", StringComparison.Ordinal))
        {
            return false;
        }
    }

    /// <summary>The pods were seen, as the reconciler would write it down.</summary>
    private async Task ServeAsync()
    {
        var releases = AdminClient.ChartProxies("default");
        var known = (await Objects.GetAsync(releases, "c1-registry", CancellationToken))["metadata"]!["annotations"]!;
        await Objects.MergePatchAsync(releases, "c1-registry", new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["annotations"] = new JsonObject
                {
                    [Prefix + "certificate-served"] = (string?)known[Prefix + "certificate-serial"],
                    [Prefix + "release-served"] = (string?)known[Prefix + "release-revision"],
                },
            },
        }, CancellationToken);
    }

    private Task<JsonObject> SetVariableAsync(JsonObject? addons) => Objects.MergePatchAsync(Clusters, "c1", new JsonObject
    {
        ["spec"] = new JsonObject
        {
            ["topology"] = new JsonObject
            {
                ["variables"] = new JsonArray(new JsonObject
                {
                    ["name"] = "clusterConfig",
                    ["value"] = addons is null ? new JsonObject { ["note"] = "no registry" } : new JsonObject { ["addons"] = addons },
                }),
            },
        },
    }, CancellationToken);

    private async Task<JsonNode> UntilAsync(string status, string reason)
    {
        JsonNode? found = null;
        await Polling.UntilAsync($"the condition is {status}, {reason}", async () =>
        {
            found = await FindAsync();
            return (string?)found?["status"] == status && (string?)found["reason"] == reason;
        }, () => found?.ToJsonString() + _service?.Log + _others.Exception, CancellationToken);
        return found!;
    }

    private Task<JsonObject> ClusterAsync() => Objects.GetAsync(Clusters, "c1", CancellationToken);

    private async Task<JsonNode?> FindAsync() =>
        ListOf(await ClusterAsync()).SingleOrDefault(condition => (string?)condition!["type"] == Type);

    private JsonArray ListOf(JsonObject cluster) =>
        (_version == "v1beta1" ? cluster["status"]?["v1beta2"] : cluster["status"])?["conditions"]?.AsArray() ?? [];

}

/// <summary>On API servers in this process.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class EmbeddedConditionTests(EmbeddedEnvironment environment) : ConditionScenarios(environment);

/// <summary>On real API servers, with the official definitions where they are at hand.</summary>
[Collection(OnApiServers.Name)]
public sealed class RealConditionTests(RealEnvironment environment) : ConditionScenarios(environment)
{
    private readonly RealEnvironment _fixture = environment;

    /// <summary>Cluster API 1.9 and 1.10.</summary>
    [Fact]
    public async Task Condition_ClustersInV1Beta1Alone_LiesInTheListOfManyOwners()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var beside = await _fixture.StartBesideAsync(await _fixture.EmptyAsync(cancellationToken), cancellationToken);
        await using (beside)
        {
            using (var http = AdminHttp.Create(beside.Management))
                await CustomResources.InstallFormerClustersAsync(http, cancellationToken);
            await LiveInVersionAsync(beside, "v1beta1");
        }
    }
}
