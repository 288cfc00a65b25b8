using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>A release or a pod that fails is seen as such in all places, and never as ready.</summary>
public sealed class FailingReleaseTests : IDisposable
{
    private readonly ReconcilerFixture _fixture = new();

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Reconcile_HelmRefusesAnImmutableField_IsFailingEverywhereUntilItIsRepaired()
    {
        await _fixture.InstallAsync();
        await ReportAsync("False", "HelmInstallOrUpgradeFailed", ProviderStatus.ImmutableField, "failed");

        var failing = await _fixture.ReconcileAsync();

        const string Start =
            "The Helm release fails: cannot patch \"registry\" with kind StatefulSet: StatefulSet.apps \"registry\" is invalid";
        Assert.Equal(ClusterPhase.Failing, failing.Phase);
        Assert.StartsWith(Start, failing.Reason, StringComparison.Ordinal);
        await AssertToldAsync(Start);

        await ReportAsync("True", "Ready", "", "deployed");
        Assert.Equal(ClusterPhase.Ready, (await _fixture.ReconcileAsync()).Phase);
        var status = await StatusAsync();
        Assert.Equal((ClusterPhase.Ready, null, "True"), (status.Phase, status.Problem, status.Condition?.Status));
    }

    [Fact]
    public async Task Reconcile_ImageCanNotBePulled_IsFailingEverywhere()
    {
        await _fixture.AddClusterAsync();
        await _fixture.ReconcileAsync();
        const string Sentence = "The registry's pod registry-0 can't pull the image example.test/registry:9 of its container \"registry\".";
        _fixture.Served = new ServedResult.Failing(Sentence);

        Assert.Equal((ClusterPhase.Failing, Sentence), await ReconcileAsync());
        await AssertToldAsync(Sentence);

        _fixture.Served = new ServedResult.AllServed();
        Assert.Equal((ClusterPhase.Ready, null), await ReconcileAsync());
    }

    /// <summary>All replicas serve, and the provider has not said that the release is as it is to be.</summary>
    [Theory]
    [InlineData("HelmReleasePending", "Helm release is in a pending state: pending-upgrade")]
    [InlineData("PreparingToHelmInstall", "")]
    public async Task Reconcile_ReleaseIsPending_Waits(string reason, string message)
    {
        await _fixture.InstallAsync();
        await ReportAsync("False", reason, message, "pending-upgrade");

        Assert.Equal(
            (ClusterPhase.Waiting, "The Helm release is still being installed or upgraded."), await ReconcileAsync());
    }

    /// <summary>Older roles do not give the right to read HelmReleaseProxies.</summary>
    [Fact]
    public async Task Reconcile_ReleasesCanNotBeRead_IsNotReady()
    {
        await _fixture.InstallAsync();
        await ReportAsync("False", "HelmInstallOrUpgradeFailed", "no", "failed");
        _fixture.Management.InjectFault(request => request.Resource == "helmreleaseproxies"
            ? CapiRegistryHook.Harness.Embedded.Fault.Status(403, "Forbidden") : null);

        Assert.Equal(ClusterPhase.Waiting, (await _fixture.ReconcileAsync()).Phase);
    }

    /// <summary>Two tries that fail for one cause are one state: no write of the condition and no Event for the second.</summary>
    [Fact]
    public async Task Reconcile_MessageDiffersFromTryToTry_IsToldOnce()
    {
        await _fixture.InstallAsync();
        var told = new List<string?>();
        foreach (var port in new[] { 41234, 51234 })
        {
            await ReportAsync("False", "HelmInstallOrUpgradeFailed",
                $"Get \"https://10.0.0.1:6443/version\": read tcp 10.0.0.2:{port}->10.0.0.1:6443: i/o timeout after 12.{port}s", "failed");
            told.Add((await _fixture.ReconcileAsync()).Reason);
        }

        Assert.Equal(told[0], told[1]);
        Assert.Single(await EventsAsync(), item => (string?)item["reason"] == "ReleaseFailed");
    }

    private async Task AssertToldAsync(string start)
    {
        var status = await StatusAsync();
        Assert.Equal((ClusterPhase.Failing, "False", "ReleaseFailed"), (status.Phase, status.Condition?.Status, status.Condition?.Reason));
        Assert.StartsWith(start, status.Problem, StringComparison.Ordinal);
        Assert.StartsWith(start, status.Condition!.Message, StringComparison.Ordinal);
        var told = Assert.Single(await EventsAsync(), item => (string?)item["reason"] == "ReleaseFailed");
        Assert.Equal("Warning", (string?)told["type"]);
        Assert.StartsWith(start, (string?)told["note"], StringComparison.Ordinal);
    }

    private async Task<(ClusterPhase Phase, string? Reason)> ReconcileAsync()
    {
        var result = await _fixture.ReconcileAsync();
        return (result.Phase, result.Reason);
    }

    private async Task<ClusterStatus> StatusAsync() =>
        (await _fixture.Registry.Fleet.ReadStatusAsync(ReconcilerFixture.Key, CancellationToken))!.Summary;

    private Task<IReadOnlyList<JsonObject>> EventsAsync() => _fixture.Objects.ListAsync(AdminClient.Events("team-a"), CancellationToken);

    /// <summary>What the add-on provider writes.</summary>
    private async Task ReportAsync(string ready, string reason, string message, string helmStatus)
    {
        var chartProxy = await _fixture.Objects.MergePatchAsync(
            ReconcilerFixture.Releases, "c1-registry/status", ProviderStatus.ChartProxy(ready), CancellationToken);
        var releases = AdminClient.ReleaseProxies("team-a");
        var release = ProviderStatus.ReleaseProxy(chartProxy);
        var name = (string)release["metadata"]!["name"]!;
        if (await _fixture.Objects.FindAsync(releases, name, CancellationToken) is null)
            await _fixture.Objects.CreateAsync(releases, release, CancellationToken);
        await _fixture.Objects.MergePatchAsync(
            releases, $"{name}/status", ProviderStatus.Release(ready, reason, message, helmStatus), CancellationToken);
    }
}
