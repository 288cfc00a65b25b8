using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// Two replicas as two processes on real API servers: one reconciles, and when it dies in the middle of its work the other goes on.
/// </summary>
[Collection("stage")]
public sealed class LeaderTests(RealStage fixture)
{
    private const int Fleet = 20;

    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The other one looks once per second, and its clock starts when it sees the last sign of life. The rest is this machine's.
    /// </summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(4);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task LeaderKilled_TheOtherTakesOverWithinTheLeaseAndNothingIsIssuedTwice()
    {
        var stage = await fixture.EmptyAsync(Cancelled);
        var first = await StartAsync(stage);
        await first.LoggedAsync("This replica reconciles now", Cancelled);
        await using var second = await StartAsync(stage);
        await CreateAsync(stage, "c0");
        await UntilInstalledAsync(stage, first, 1);

        for (var index = 1; index < Fleet; index++)
            await CreateAsync(stage, $"c{index}");
        await OrderAsync(stage, "c0", "before the kill");
        var killed = TimeProvider.System.GetTimestamp();
        var firstLog = first.Log;
        await first.DisposeAsync();
        await second.LoggedAsync("This replica reconciles now", Cancelled);
        var took = TimeProvider.System.GetElapsedTime(killed);
        await UntilInstalledAsync(stage, second, Fleet);
        await UntilOrderedAsync(stage, second);

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"took over {took.TotalSeconds:F1} s after the kill, with a Lease of {Lease.TotalSeconds:F0} s");
        Assert.True(took <= Lease + Slack, $"{took}");
        var logs = firstLog + second.Log;
        Assert.Equal(1, Regex.Count(logs, "Created Secret capi-registry-hook-system/registry-addon-root-ca"));
        Assert.InRange(Regex.Count(logs, "Updated Secret registry-system/registry-tls"), 0, 1);
        Assert.InRange(Regex.Count(logs, "Created Secret registry-system/registry-tls"), 0, 1);
        foreach (var proxy in await stage.ManagementObjects.ListAsync(AdminClient.ChartProxies("default"), Cancelled))
            Assert.InRange(Regex.Count(logs, $"Created HelmChartProxy default/{proxy["metadata"]!["name"]} "), 0, 1);
    }

    [Fact]
    public async Task LeaderStopped_GivesTheLeaseBackAtOnce()
    {
        var stage = await fixture.EmptyAsync(Cancelled);
        await using var first = await StartAsync(stage, "--lease-duration", "5m");
        await first.LoggedAsync("This replica reconciles now", Cancelled);
        await using var second = await StartAsync(stage, "--lease-duration", "5m");

        first.Terminate();

        await second.LoggedAsync("This replica reconciles now", Cancelled);
        Assert.Equal(0, await first.WaitForExitAsync(Cancelled));
    }

    /// <summary>The hooks of a replica that does not reconcile work all the same.</summary>
    [Fact]
    public async Task Follower_AnswersHooksAndReconcilesNothing()
    {
        var stage = await fixture.EmptyAsync(Cancelled);
        await using var first = await StartAsync(stage);
        await first.LoggedAsync("This replica reconciles now", Cancelled);
        await using var second = await StartAsync(stage);
        using var capi = second.CreateClusterApi();
        await CreateAsync(stage, "c1");
        await UntilInstalledAsync(stage, first, 1);

        Assert.Equal(200, (await capi.DiscoverAsync("1.13.4", Cancelled)).StatusCode);
        await second.ShowsAsync("capi_registry_hook_leader 0", Cancelled);
        await first.ShowsAsync("capi_registry_hook_leader 1", Cancelled);
        Assert.DoesNotContain("Clusters were listed", second.Log, StringComparison.Ordinal);
    }

    private static Task<HookService> StartAsync(Stage stage, params string[] more) =>
        HookService.StartAsync(
            stage.Management.Kubeconfig, ["--reconciler", "On", .. more.Length == 0 ? ["--lease-duration", "5s"] : more], Cancelled);

    private static async Task CreateAsync(Stage stage, string name)
    {
        await stage.GiveKubeconfigAsync(new TestCluster(name, "default", ""), Cancelled);
        await stage.CreateClusterAsync(name, Cancelled);
    }

    private static Task UntilInstalledAsync(Stage stage, HookService service, int count) => Wait.UntilAsync(
        $"{count} registries are installed",
        async () => (await stage.ManagementObjects.ListAsync(AdminClient.ChartProxies("default"), Cancelled)).Count == count,
        () => service.Log, Cancelled);

    private static Task UntilOrderedAsync(Stage stage, HookService service) => Wait.UntilAsync(
        "the renewal is done",
        async () => (string?)(await stage.ManagementObjects.GetAsync(AdminClient.ChartProxies("default"), "c0-registry", Cancelled))
            ["metadata"]!["annotations"]!["capi-registry-hook.io/certificate-requested-by"] == "before the kill",
        () => service.Log, Cancelled);

    private static Task<JsonObject> OrderAsync(Stage stage, string cluster, string order) =>
        stage.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), cluster,
        new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["capi-registry-hook.io/renew"] = order } } },
        Cancelled);
}
