using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>API servers that are away: answers in time, the same sentence every time, and no lasting harm.</summary>
[Collection(OnApiServers.Name)]
public sealed class FaultTests(EmbeddedEnvironment embedded, RealEnvironment real)
{
    private const string Version = "1.13.4";

    private static readonly TimeSpan AnswerBound = TimeSpan.FromSeconds(8);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AfterControlPlaneInitialized_WorkloadServerCrashed_FailsAndLaterSucceeds()
    {
        var environment = await real.EmptyAsync(CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(environment, capi);
        var workload = (RealApiServer)environment.Workload;

        await workload.StopApiServerAsync();
        var first = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);
        var second = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);
        await workload.StartApiServerAsync(CancellationToken);
        var third = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);

        Assert.Equal((200, "Failure"), (first.StatusCode, first.Status));
        Assert.Equal("The workload API server can't be used now; the next call tries again.", first.Message);
        Assert.Equal(first.Text, second.Text);
        Assert.True(first.Took < AnswerBound, $"{first.Took}");
        Assert.Equal("Success", third.Status);
        Secrecy.AssertNoSecretIn(service.Log, environment);
    }

    [Fact]
    public async Task BeforeClusterCreate_ManagementServerCrashed_BlocksAndLaterSucceeds()
    {
        var environment = await real.EmptyAsync(CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        var management = (RealApiServer)environment.Management;

        await management.StopApiServerAsync();
        var blocked = await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken);
        await management.StartApiServerAsync(CancellationToken);
        var passed = await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken);

        Assert.Equal((200, "Success"), (blocked.StatusCode, blocked.Status));
        Assert.InRange(blocked.RetryAfterSeconds ?? 0, 1, 30);
        Assert.Equal("The management API server can't be used now; the next call tries again.", blocked.Message);
        Assert.True(blocked.Took < AnswerBound, $"{blocked.Took}");
        Assert.Equal(("Success", 0), (passed.Status, passed.RetryAfterSeconds));
    }

    [Fact]
    public async Task EveryHook_ApiServerHangs_AnswersBeforeEightSeconds()
    {
        var environment = await embedded.EmptyAsync(CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(environment, capi);
        var workload = (EmbeddedApiServer)environment.Workload;
        var release = new TaskCompletionSource();
        workload.InjectFault(_ => Fault.Delay(release.Task));
        try
        {
            var installed = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);
            var upgraded = await capi.CallAsync(Version, "BeforeClusterUpgrade", cluster, CancellationToken);

            Assert.Equal("Failure", installed.Status);
            Assert.True(installed.Took < AnswerBound, $"{installed.Took}");
            Assert.Equal("Success", upgraded.Status);
            Assert.InRange(upgraded.RetryAfterSeconds ?? 0, 1, 30);
            Assert.True(upgraded.Took < AnswerBound, $"{upgraded.Took}");
        }
        finally
        {
            release.SetResult();
            workload.ClearFaults();
        }
    }

    [Fact]
    public async Task BeforeClusterCreate_ExternalRoot_WaitsUntilItIsThere()
    {
        var environment = await real.EmptyAsync(CancellationToken);
        await using var service =
            await HookService.StartAsync(environment.Management.Kubeconfig, ["--root-source", "External"], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);

        var waiting = await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken);
        var none = await RegistryState.ReadAsync(environment, cluster, CancellationToken);
        await using (var maker =
            await HookService.StartAsync(environment.Management.Kubeconfig, ["--key-algorithm", "RSA-2048"], CancellationToken))
        {
            using var other = maker.CreateClusterApi();
            await other.CallAsync(
                Version, "BeforeClusterCreate", await environment.CreateClusterAsync("c2", CancellationToken), CancellationToken);
        }

        var passed = await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken);

        Assert.Equal("Success", waiting.Status);
        Assert.InRange(waiting.RetryAfterSeconds ?? 0, 1, 30);
        Assert.Null(none.Root);
        Assert.Equal(("Success", 0), (passed.Status, passed.RetryAfterSeconds));
    }

    [Fact]
    public async Task EveryHook_EndedRootBesideTheCurrentOne_GoesOn()
    {
        var environment = await embedded.EmptyAsync(CancellationToken);
        var current = ForeignRoot.Create(TimeSpan.FromHours(-2), TimeSpan.FromDays(365));
        var ended = ForeignRoot.Create(TimeSpan.FromDays(-365), TimeSpan.FromHours(-1));
        await current.StoreAsync(environment, current.CertificatePem + ended.CertificatePem, CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(environment, capi);

        var first = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);
        var second = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);

        Assert.True(first.Status == "Success", first.Text);
        Assert.True(second.Status == "Success", second.Text);
        var state = await RegistryState.ReadAsync(environment, cluster, CancellationToken);
        Assert.Equal(current.CertificatePem, RegistryState.Text(state.Trust!, "ca.crt"));
    }

    [Fact]
    public async Task EveryHook_AnotherRootAddedToTheBundle_GoesOn()
    {
        var environment = await embedded.EmptyAsync(CancellationToken);
        var current = ForeignRoot.Create(TimeSpan.FromHours(-2), TimeSpan.FromDays(365));
        var next = ForeignRoot.Create(TimeSpan.FromHours(-1), TimeSpan.FromDays(730));
        await current.StoreAsync(environment, current.CertificatePem, CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(environment, capi);

        await ForeignRoot.SetTrustAsync(environment, current.CertificatePem + next.CertificatePem, CancellationToken);
        var answer = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);

        Assert.True(answer.Status == "Success", answer.Text);
        var state = await RegistryState.ReadAsync(environment, cluster, CancellationToken);
        Assert.Contains(next.CertificatePem, RegistryState.Text(state.Trust!, "ca.crt"), StringComparison.Ordinal);
        Assert.True(state.Verifies("10.128.0.20"));
    }

    [Fact]
    public async Task EveryHook_RootNotValidYet_NamesIt()
    {
        var environment = await embedded.EmptyAsync(CancellationToken);
        var later = ForeignRoot.Create(TimeSpan.FromHours(2), TimeSpan.FromDays(365));
        await later.StoreAsync(environment, later.CertificatePem, CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(environment, capi);

        var installed = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, CancellationToken);
        var upgraded = await capi.CallAsync(Version, "BeforeClusterUpgrade", cluster, CancellationToken);

        Assert.True(installed.StatusCode == 200 && installed.Status == "Failure", installed.Text);
        Assert.Contains("registry-addon-root-ca can't be used", installed.Message, StringComparison.Ordinal);
        Assert.True(upgraded.StatusCode == 200 && upgraded.RetryAfterSeconds > 0, upgraded.Text);
    }

    private static async Task<TestCluster> PrepareAsync(TestEnvironment environment, ClusterApi capi)
    {
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        await environment.GiveKubeconfigAsync(cluster, CancellationToken);
        Assert.Equal("Success", (await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken)).Status);
        return cluster;
    }
}
