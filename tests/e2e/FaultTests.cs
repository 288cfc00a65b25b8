using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>API servers that are away: answers in time, the same sentence every time, and no lasting harm.</summary>
[Collection("stage")]
public sealed class FaultTests(EmbeddedStage embedded, RealStage real)
{
    private const string Version = "1.13.4";

    private static readonly TimeSpan AnswerBound = TimeSpan.FromSeconds(8);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AfterControlPlaneInitialized_WorkloadServerCrashed_FailsAndLaterSucceeds()
    {
        var stage = await real.EmptyAsync(Cancelled);
        await using var service = await HookService.StartAsync(stage.Management.Kubeconfig, [], Cancelled);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(stage, capi);
        var workload = (RealApiServer)stage.Workload;

        await workload.StopApiServerAsync();
        var first = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, Cancelled);
        var second = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, Cancelled);
        await workload.StartApiServerAsync(Cancelled);
        var third = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, Cancelled);

        Assert.Equal((200, "Failure"), (first.StatusCode, first.Status));
        Assert.Equal("The workload API server can't be used now; the next call tries again.", first.Message);
        Assert.Equal(first.Text, second.Text);
        Assert.True(first.Took < AnswerBound, $"{first.Took}");
        Assert.Equal("Success", third.Status);
        Secrecy.AssertNoSecretIn(service.Log, stage);
    }

    [Fact]
    public async Task BeforeClusterCreate_ManagementServerCrashed_BlocksAndLaterSucceeds()
    {
        var stage = await real.EmptyAsync(Cancelled);
        await using var service = await HookService.StartAsync(stage.Management.Kubeconfig, [], Cancelled);
        using var capi = service.CreateClusterApi();
        var cluster = await stage.CreateClusterAsync("c1", Cancelled);
        var management = (RealApiServer)stage.Management;

        await management.StopApiServerAsync();
        var blocked = await capi.CallAsync(Version, "BeforeClusterCreate", cluster, Cancelled);
        await management.StartApiServerAsync(Cancelled);
        var passed = await capi.CallAsync(Version, "BeforeClusterCreate", cluster, Cancelled);

        Assert.Equal((200, "Success"), (blocked.StatusCode, blocked.Status));
        Assert.InRange(blocked.RetryAfterSeconds ?? 0, 1, 30);
        Assert.Equal("The management API server can't be used now; the next call tries again.", blocked.Message);
        Assert.True(blocked.Took < AnswerBound, $"{blocked.Took}");
        Assert.Equal(("Success", 0), (passed.Status, passed.RetryAfterSeconds));
    }

    [Fact]
    public async Task EveryHook_ApiServerHangs_AnswersBeforeEightSeconds()
    {
        var stage = await embedded.EmptyAsync(Cancelled);
        await using var service = await HookService.StartAsync(stage.Management.Kubeconfig, [], Cancelled);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(stage, capi);
        var workload = (EmbeddedApiServer)stage.Workload;
        var release = new TaskCompletionSource();
        workload.InjectFault(_ => Fault.Delay(release.Task));
        try
        {
            var installed = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, Cancelled);
            var upgraded = await capi.CallAsync(Version, "BeforeClusterUpgrade", cluster, Cancelled);

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
        var stage = await real.EmptyAsync(Cancelled);
        await using var service = await HookService.StartAsync(stage.Management.Kubeconfig, ["--root-source", "External"], Cancelled);
        using var capi = service.CreateClusterApi();
        var cluster = await stage.CreateClusterAsync("c1", Cancelled);

        var waiting = await capi.CallAsync(Version, "BeforeClusterCreate", cluster, Cancelled);
        var none = await RegistryState.ReadAsync(stage, cluster, Cancelled);
        await using (var maker = await HookService.StartAsync(stage.Management.Kubeconfig, ["--key-algorithm", "RSA-2048"], Cancelled))
        {
            using var other = maker.CreateClusterApi();
            await other.CallAsync(Version, "BeforeClusterCreate", await stage.CreateClusterAsync("c2", Cancelled), Cancelled);
        }

        var passed = await capi.CallAsync(Version, "BeforeClusterCreate", cluster, Cancelled);

        Assert.Equal("Success", waiting.Status);
        Assert.InRange(waiting.RetryAfterSeconds ?? 0, 1, 30);
        Assert.Null(none.Root);
        Assert.Equal(("Success", 0), (passed.Status, passed.RetryAfterSeconds));
    }

    [Fact]
    public async Task EveryHook_EndedRootBesideTheCurrentOne_GoesOn()
    {
        var stage = await embedded.EmptyAsync(Cancelled);
        var current = ForeignRoot.Create(TimeSpan.FromHours(-2), TimeSpan.FromDays(365));
        var ended = ForeignRoot.Create(TimeSpan.FromDays(-365), TimeSpan.FromHours(-1));
        await current.StoreAsync(stage, current.CertificatePem + ended.CertificatePem, Cancelled);
        await using var service = await HookService.StartAsync(stage.Management.Kubeconfig, [], Cancelled);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(stage, capi);

        var first = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, Cancelled);
        var second = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, Cancelled);

        Assert.True(first.Status == "Success", first.Text);
        Assert.True(second.Status == "Success", second.Text);
        var state = await RegistryState.ReadAsync(stage, cluster, Cancelled);
        Assert.Equal(current.CertificatePem, RegistryState.Text(state.Trust!, "ca.crt"));
    }

    [Fact]
    public async Task EveryHook_AnotherRootAddedToTheBundle_GoesOn()
    {
        var stage = await embedded.EmptyAsync(Cancelled);
        var current = ForeignRoot.Create(TimeSpan.FromHours(-2), TimeSpan.FromDays(365));
        var next = ForeignRoot.Create(TimeSpan.FromHours(-1), TimeSpan.FromDays(730));
        await current.StoreAsync(stage, current.CertificatePem, Cancelled);
        await using var service = await HookService.StartAsync(stage.Management.Kubeconfig, [], Cancelled);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(stage, capi);

        await ForeignRoot.SetTrustAsync(stage, current.CertificatePem + next.CertificatePem, Cancelled);
        var answer = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, Cancelled);

        Assert.True(answer.Status == "Success", answer.Text);
        var state = await RegistryState.ReadAsync(stage, cluster, Cancelled);
        Assert.Contains(next.CertificatePem, RegistryState.Text(state.Trust!, "ca.crt"), StringComparison.Ordinal);
        Assert.True(state.Verifies("10.128.0.20"));
    }

    [Fact]
    public async Task EveryHook_RootNotValidYet_NamesIt()
    {
        var stage = await embedded.EmptyAsync(Cancelled);
        var later = ForeignRoot.Create(TimeSpan.FromHours(2), TimeSpan.FromDays(365));
        await later.StoreAsync(stage, later.CertificatePem, Cancelled);
        await using var service = await HookService.StartAsync(stage.Management.Kubeconfig, [], Cancelled);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(stage, capi);

        var installed = await capi.CallAsync(Version, "AfterControlPlaneInitialized", cluster, Cancelled);
        var upgraded = await capi.CallAsync(Version, "BeforeClusterUpgrade", cluster, Cancelled);

        Assert.True(installed.StatusCode == 200 && installed.Status == "Failure", installed.Text);
        Assert.Contains("registry-addon-root-ca can't be used", installed.Message, StringComparison.Ordinal);
        Assert.True(upgraded.StatusCode == 200 && upgraded.RetryAfterSeconds > 0, upgraded.Text);
    }

    private static async Task<TestCluster> PrepareAsync(Stage stage, ClusterApi capi)
    {
        var cluster = await stage.CreateClusterAsync("c1", Cancelled);
        await stage.GiveKubeconfigAsync(cluster, Cancelled);
        Assert.Equal("Success", (await capi.CallAsync(Version, "BeforeClusterCreate", cluster, Cancelled)).Status);
        return cluster;
    }
}
