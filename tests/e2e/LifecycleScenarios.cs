using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// The life of a cluster's registry as Cluster API drives it, against the published service as a process of its own. The
/// same scenarios run on embedded and on real API servers.
/// </summary>
public abstract class LifecycleScenarios(EnvironmentFixture fixture) : IAsyncLifetime
{
    private const string V1Beta1 = "1.12.5";
    private const string V1Beta2 = "1.13.4";

    private TestEnvironment _environment = null!;
    private HookService _service = null!;
    private ClusterApi _capi = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _environment = await fixture.EmptyAsync(CancellationToken);
        _service = await HookService.StartAsync(_environment.Management.Kubeconfig, [], CancellationToken);
        _capi = _service.CreateClusterApi();
    }

    public async ValueTask DisposeAsync()
    {
        var log = _service.Log;
        _capi.Dispose();
        await _service.DisposeAsync();
        Secrecy.AssertNoSecretIn(log, _environment);
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData(V1Beta1, "cluster.x-k8s.io/v1beta1")]
    [InlineData(V1Beta2, "cluster.x-k8s.io/v1beta2")]
    public async Task BeforeClusterCreate_EmptyManagementCluster_MakesRootAndTrust(string version, string ownerVersion)
    {
        var cluster = await _environment.CreateClusterAsync("c1", CancellationToken);

        await AssertProceedsAsync(version, "BeforeClusterCreate", cluster);

        var state = await RegistryState.ReadAsync(_environment, cluster, CancellationToken);
        Assert.Equal(["ca.crt", "tls.crt", "tls.key"], KeysOf(state.Root!));
        Assert.Equal(["ca.crt"], KeysOf(state.Trust!));
        Assert.Equal(RegistryState.Text(state.Root!, "tls.crt"), RegistryState.Text(state.Trust!, "ca.crt"));
        Assert.Equal("", (string?)state.Root!["metadata"]!["labels"]!["clusterctl.cluster.x-k8s.io/move"]);
        Assert.Equal("", (string?)state.Trust!["metadata"]!["labels"]!["clusterctl.cluster.x-k8s.io/move"]);
        var owner = Assert.Single(state.Trust!["metadata"]!["ownerReferences"]!.AsArray())!;
        Assert.Equal((ownerVersion, "Cluster", "c1", cluster.Uid),
            ((string?)owner["apiVersion"], (string?)owner["kind"], (string?)owner["name"], (string?)owner["uid"]));
        Assert.Null(state.Certificate);
        Assert.Null(state.ChartProxy);
    }

    [Theory]
    [InlineData(V1Beta1)]
    [InlineData(V1Beta2)]
    public async Task AfterControlPlaneInitialized_Reachable_IssuesAndInstalls(string version)
    {
        var cluster = await InstallAsync(version);

        var state = await RegistryState.ReadAsync(_environment, cluster, CancellationToken);
        Assert.True(state.Verifies("10.128.0.20"));
        Assert.True(state.Verifies("10.128.0.21"));
        Assert.True(state.Verifies("127.0.0.1"));
        Assert.True(state.Verifies("registry.registry-system.svc"));
        Assert.False(state.Verifies("10.128.0.22"));
        Assert.Equal("kubernetes.io/tls", (string?)state.Certificate!["type"]);
        Assert.Equal(state.Serial, state.ChartSerial);
        Assert.Equal("c1", (string?)state.ChartProxy!["spec"]!["clusterSelector"]!["matchLabels"]!["cluster.x-k8s.io/cluster-name"]);
        Assert.Equal(cluster.Uid, (string?)state.ChartProxy["metadata"]!["ownerReferences"]![0]!["uid"]);
    }

    [Theory]
    [InlineData(V1Beta1)]
    [InlineData(V1Beta2)]
    public async Task EveryHook_CalledTwice_ChangesNothingTheSecondTime(string version)
    {
        var cluster = await InstallAsync(version);
        await AssertProceedsAsync(version, "BeforeClusterUpgrade", cluster);
        var before = await RegistryState.ReadAsync(_environment, cluster, CancellationToken);

        await AssertProceedsAsync(version, "BeforeClusterCreate", cluster);
        await AssertProceedsAsync(version, "AfterControlPlaneInitialized", cluster);
        await AssertProceedsAsync(version, "BeforeClusterUpgrade", cluster);

        Assert.Equal(before.Versions, (await RegistryState.ReadAsync(_environment, cluster, CancellationToken)).Versions);
    }

    [Fact]
    public async Task BeforeClusterUpgrade_EachTargetVersion_RenewsOnce()
    {
        var cluster = await InstallAsync(V1Beta2);
        var serials = new List<string> { (await RegistryState.ReadAsync(_environment, cluster, CancellationToken)).Serial };

        foreach (var target in new[] { "v1.34.0", "v1.34.0", "v1.35.0", "v1.35.0" })
        {
            var answer = await _capi.UpgradeAsync(V1Beta2, cluster, target, CancellationToken);
            Assert.Equal((200, "Success", 0), (answer.StatusCode, answer.Status, answer.RetryAfterSeconds));
            var state = await RegistryState.ReadAsync(_environment, cluster, CancellationToken);
            Assert.Equal(target, (string?)state.Certificate!["metadata"]!["annotations"]!["capi-registry-hook.io/renewed-for"]);
            Assert.Equal(state.Serial, state.ChartSerial);
            Assert.True(state.Verifies("10.128.0.20"));
            serials.Add(state.Serial);
        }

        Assert.Equal([true, false, true, false], serials.Zip(serials.Skip(1), (former, next) => former != next));
    }

    [Fact]
    public async Task AfterControlPlaneInitialized_LabelMissing_IsSetOnTheCluster()
    {
        var cluster = await _environment.CreateClusterAsync("c1", CancellationToken);
        await _environment.GiveKubeconfigAsync(cluster, CancellationToken);
        var request = RecordedHookRequest.Load(V1Beta2, "AfterControlPlaneInitialized").For(cluster);
        request.Body["cluster"]!["metadata"]!.AsObject().Remove("labels");

        var answer = await _capi.PostAsync(request, CancellationToken);

        Assert.Equal("Success", answer.Status);
        var state = await RegistryState.ReadAsync(_environment, cluster, CancellationToken);
        Assert.Equal("c1", (string?)state.Cluster["metadata"]!["labels"]!["cluster.x-k8s.io/cluster-name"]);
    }

    [Fact]
    public async Task AfterControlPlaneInitialized_DayTwo_NeedsNoBeforeClusterCreate()
    {
        var cluster = await _environment.CreateClusterAsync("c1", CancellationToken);
        await _environment.GiveKubeconfigAsync(cluster, CancellationToken);

        await AssertProceedsAsync(V1Beta2, "AfterControlPlaneInitialized", cluster);

        Assert.True((await RegistryState.ReadAsync(_environment, cluster, CancellationToken)).Verifies("10.128.0.20"));
    }

    [Fact]
    public async Task AfterControlPlaneInitialized_EditedObjects_ArePutRight()
    {
        var cluster = await InstallAsync(V1Beta2);
        var expected = (await RegistryState.ReadAsync(_environment, cluster, CancellationToken)).Describe(cluster);
        await _environment.WorkloadObjects.MergePatchAsync(AdminClient.Secrets("registry-system"), "registry-tls",
            new JsonObject { ["data"] = new JsonObject { ["tls.crt"] = "bm9uZQ==" } }, CancellationToken);
        await _environment.ManagementObjects.MergePatchAsync(AdminClient.ChartProxies("default"), "c1-registry",
            new JsonObject { ["spec"] = new JsonObject { ["version"] = "9.9.9" } }, CancellationToken);
        await _environment.ManagementObjects.MergePatchAsync(AdminClient.Secrets("default"), "c1-registry-addon-ca",
            new JsonObject { ["metadata"] = new JsonObject { ["ownerReferences"] = null } }, CancellationToken);

        await AssertProceedsAsync(V1Beta2, "AfterControlPlaneInitialized", cluster);

        Assert.Equal(expected, (await RegistryState.ReadAsync(_environment, cluster, CancellationToken)).Describe(cluster));
    }

    [Fact]
    public async Task AfterControlPlaneInitialized_NoKubeconfig_FailsWithTheSameSentence()
    {
        var cluster = await _environment.CreateClusterAsync("c1", CancellationToken);

        var first = await _capi.CallAsync(V1Beta2, "AfterControlPlaneInitialized", cluster, CancellationToken);
        var second = await _capi.CallAsync(V1Beta2, "AfterControlPlaneInitialized", cluster, CancellationToken);

        Assert.Equal((200, "Failure"), (first.StatusCode, first.Status));
        Assert.Contains("default/c1-kubeconfig", first.Message, StringComparison.Ordinal);
        Assert.Equal(first.Text, second.Text);
    }

    [Fact]
    public async Task AfterControlPlaneInitialized_ForeignRoot_IsRefused()
    {
        var cluster = await InstallAsync(V1Beta2);
        await _environment.ManagementObjects.DeleteIfThereAsync(
            AdminClient.Secrets(HookService.Namespace), "registry-addon-root-ca", CancellationToken);

        var lost = await _capi.CallAsync(V1Beta2, "AfterControlPlaneInitialized", cluster, CancellationToken);
        var other = await _environment.CreateClusterAsync("c2", CancellationToken);
        var split = await _capi.CallAsync(V1Beta2, "BeforeClusterCreate", other, CancellationToken);
        var root = ForeignRoot.Create(TimeSpan.FromHours(-1), TimeSpan.FromDays(3650));
        await root.StoreAsync(_environment, root.CertificatePem, CancellationToken);
        var foreign = await _capi.CallAsync(V1Beta2, "AfterControlPlaneInitialized", cluster, CancellationToken);

        Assert.Equal(("Failure", "Failure", "Failure"), (lost.Status, split.Status, foreign.Status));
        foreach (var answer in new[] { lost, split, foreign })
            Assert.Contains("capi-registry-hook root import", answer.Message, StringComparison.Ordinal);
        Assert.Contains("does not exist, but the HelmChartProxy", split.Message, StringComparison.Ordinal);
        Assert.Contains("is not the one that this cluster's nodes trust", foreign.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddonAbsent_EveryHook_PassesWithoutTouchingAnything()
    {
        var cluster =
            await _environment.CreateClusterAsync("c1", CancellationToken) with { ClusterConfig = new JsonObject { ["note"] = "hi" } };

        foreach (var hook in new[] { "BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade" })
            await AssertProceedsAsync(V1Beta2, hook, cluster);

        var state = await RegistryState.ReadAsync(_environment, cluster, CancellationToken);
        Assert.Equal((null, null, null, null), (state.Root, state.Trust, state.Certificate, state.ChartProxy));
    }

    [Fact]
    public async Task UserMistake_EveryHook_FailsWithFieldAndRemedy()
    {
        var cluster = await _environment.CreateClusterAsync("c1", CancellationToken) with { ServiceCidrBlocks = ["10.0.0.0/28"] };

        foreach (var hook in new[] { "BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade" })
        {
            var answer = await _capi.CallAsync(V1Beta2, hook, cluster, CancellationToken);
            Assert.Equal((200, "Failure"), (answer.StatusCode, answer.Status));
            Assert.Contains("spec.clusterNetwork.services.cidrBlocks", answer.Message, StringComparison.Ordinal);
        }
    }

    private async Task<TestCluster> InstallAsync(string version)
    {
        var cluster = await _environment.CreateClusterAsync("c1", CancellationToken);
        await AssertProceedsAsync(version, "BeforeClusterCreate", cluster);
        await _environment.GiveKubeconfigAsync(cluster, CancellationToken);
        await AssertProceedsAsync(version, "AfterControlPlaneInitialized", cluster);
        return cluster;
    }

    private async Task AssertProceedsAsync(string version, string hook, TestCluster cluster)
    {
        var answer = await _capi.CallAsync(version, hook, cluster, CancellationToken);
        Assert.True(answer.StatusCode == 200, answer.Text);
        Contract.AssertAllowed(hook, answer);
        Assert.True(answer.Status == "Success" && answer.RetryAfterSeconds is null or 0, answer.Text);
    }

    private static IEnumerable<string> KeysOf(JsonObject secret) =>
        ((JsonObject)secret["data"]!).Select(entry => entry.Key).Order(StringComparer.Ordinal);
}

/// <summary>On API servers in this process.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class EmbeddedLifecycleTests(EmbeddedEnvironment environment) : LifecycleScenarios(environment);

/// <summary>On real kube-apiservers with etcd.</summary>
[Collection(OnApiServers.Name)]
public sealed class RealLifecycleTests(RealEnvironment environment) : LifecycleScenarios(environment);
