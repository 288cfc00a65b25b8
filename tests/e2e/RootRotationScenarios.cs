using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// A rotation of the root by the published program, from the order to its end, on embedded and on real API servers. The cluster is paused
/// meanwhile, so the rotation waits for no pods; it finds its way back through the cross-certificate.
/// </summary>
public abstract class RootRotationScenarios(EnvironmentFixture fixture) : IAsyncLifetime
{
    private const string Version = "1.13.4";
    private const string Root = "registry-addon-root-ca";

    private TestEnvironment _environment = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _environment = await fixture.EmptyAsync(CancellationToken);

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task RotateRoot_Ordered_ReplacesTheRootAndReachesNodesThatKnowTheFormerOne()
    {
        var cluster = await InstallAsync();
        var before = await RegistryState.ReadAsync(_environment, cluster, CancellationToken);
        await PauseAsync(true);

        var order = await OrderAsync();
        Assert.Equal((0, ""), (order.ExitCode, order.Errors));
        Assert.Contains("no node is replaced", order.Output, StringComparison.Ordinal);
        Assert.Contains("is already pending", (await OrderAsync()).Output, StringComparison.Ordinal);
        await LeadUntilDoneAsync();
        await PauseAsync(false);
        await CallAsync(cluster, "AfterControlPlaneInitialized");

        var after = await RegistryState.ReadAsync(_environment, cluster, CancellationToken);
        Assert.Equal((string?)before.Root!["metadata"]!["uid"], (string?)after.Root!["metadata"]!["uid"]);
        Assert.NotEqual(RegistryState.Text(before.Root, "tls.key"), RegistryState.Text(after.Root, "tls.key"));
        Assert.Equal("2", (string?)after.Root["metadata"]!["annotations"]!["capi-registry-hook.io/generation"]);
        var (former, current) = (RegistryState.Text(before.Root, "tls.crt"), RegistryState.Text(after.Root, "tls.crt"));
        Assert.Equal(former + current, RegistryState.Text(after.Trust!, "ca.crt"));
        var chain = RegistryState.Text(after.Certificate!, "tls.crt");
        Assert.True(IsAccepted(chain, former));
        Assert.True(IsAccepted(chain, current));
        Assert.False(IsAccepted(RegistryState.Text(before.Certificate!, "tls.crt"), current));
    }

    [Fact]
    public async Task RotateRoot_RootOfOthers_WritesNothing()
    {
        await InstallAsync();
        var before = await _environment.ManagementObjects.GetAsync(AdminClient.Secrets(HookService.Namespace), Root, CancellationToken);

        var order = await OrderAsync("--root-source", "External");

        Assert.Equal(1, order.ExitCode);
        Assert.Contains("managed outside this service", order.Errors, StringComparison.Ordinal);
        var after = await _environment.ManagementObjects.GetAsync(AdminClient.Secrets(HookService.Namespace), Root, CancellationToken);
        Assert.Equal((string?)before["metadata"]!["resourceVersion"], (string?)after["metadata"]!["resourceVersion"]);
    }

    private async Task<TestCluster> InstallAsync()
    {
        var cluster = await _environment.CreateClusterAsync("c1", CancellationToken);
        await _environment.GiveKubeconfigAsync(cluster, CancellationToken);
        await CallAsync(cluster, "BeforeClusterCreate");
        await CallAsync(cluster, "AfterControlPlaneInitialized");
        return cluster;
    }

    private async Task CallAsync(TestCluster cluster, string hook)
    {
        await using var service = await HookService.StartAsync(_environment.Management.Kubeconfig, [], CancellationToken);
        using var capi = service.CreateClusterApi();
        var answer = await capi.CallAsync(Version, hook, cluster, CancellationToken);
        Assert.True(answer.Status == "Success" && answer.RetryAfterSeconds is null or 0, answer.Text);
    }

    private async Task<ProgramRun> OrderAsync(params string[] arguments)
    {
        await using var folder = ScratchFolder.Create("capi-registry-hook-order-");
        string[] all = ["rotate-root", "--hook-namespace", HookService.Namespace, "--kubeconfig",
            folder.Write("kubeconfig", _environment.Management.Kubeconfig), .. arguments];
        return await ProgramRun.RunAsync(HookService.ProgramPath(), all, CancellationToken);
    }

    private async Task LeadUntilDoneAsync()
    {
        await using var service =
            await HookService.StartAsync(
                _environment.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s"], CancellationToken);
        await service.WaitForLogAsync($"Deleted Secret {HookService.Namespace}/{Root}-next", CancellationToken);
        Assert.Null(
            await _environment.ManagementObjects.FindAsync(AdminClient.Secrets(HookService.Namespace), $"{Root}-next", CancellationToken));
        Secrecy.AssertNoSecretIn(service.Log, _environment);
    }

    private Task<JsonObject> PauseAsync(bool paused) => _environment.ManagementObjects.MergePatchAsync(
        AdminClient.Clusters("default"), "c1", new JsonObject { ["spec"] = new JsonObject { ["paused"] = paused } }, CancellationToken);

    private static bool IsAccepted(string chainPem, string trustPem)
    {
        var sent = new X509Certificate2Collection();
        sent.ImportFromPem(chainPem);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(trustPem);
        chain.ChainPolicy.ExtraStore.AddRange(sent);
        return chain.Build(sent[0]);
    }
}

/// <summary>On API servers in this process.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class EmbeddedRootRotationTests(EmbeddedEnvironment environment) : RootRotationScenarios(environment);

/// <summary>On real kube-apiservers with etcd.</summary>
[Collection(OnApiServers.Name)]
public sealed class RealRootRotationTests(RealEnvironment environment) : RootRotationScenarios(environment);
