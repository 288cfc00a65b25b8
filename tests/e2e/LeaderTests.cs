using CapiRegistryHook.Harness;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// Two replicas as two processes on real API servers: one reconciles, and when it dies in the middle of its work the other goes on.
/// </summary>
[Collection(OnApiServers.Name)]
public sealed class LeaderTests(RealEnvironment fixture)
{
    private const int Fleet = 20;

    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The other one looks once per second, and its clock starts when it sees the last sign of life. The rest is this machine's.
    /// </summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(20);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task LeaderKilled_TheOtherTakesOverWithinTheLeaseAndNothingIsIssuedTwice()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        var first = await StartAsync(environment);
        await first.WaitForLogAsync("This replica reconciles now", CancellationToken);
        await using var second = await StartAsync(environment);
        await CreateAsync(environment, "c0");
        await UntilInstalledAsync(environment, first, 1);

        for (var index = 1; index < Fleet; index++)
            await CreateAsync(environment, $"c{index}");
        await OrderAsync(environment, "c0", "before the kill");
        var killed = TimeProvider.System.GetTimestamp();
        var firstLog = first.Log;
        await first.DisposeAsync();
        await second.WaitForLogAsync("This replica reconciles now", CancellationToken);
        var took = TimeProvider.System.GetElapsedTime(killed);
        await UntilInstalledAsync(environment, second, Fleet);
        await UntilOrderedAsync(environment, second);

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"took over {took.TotalSeconds:F1} s after the kill, with a Lease of {Lease.TotalSeconds:F0} s");
        Assert.True(took <= Lease + Slack, $"{took}");
        var logs = firstLog + second.Log;
        Assert.Equal(1, Regex.Count(logs, "Created Secret capi-registry-hook-system/registry-addon-root-ca"));
        Assert.InRange(Regex.Count(logs, "Updated Secret registry-system/registry-tls"), 0, 1);
        Assert.InRange(Regex.Count(logs, "Created Secret registry-system/registry-tls"), 0, 1);
        foreach (var proxy in await environment.ManagementObjects.ListAsync(AdminClient.ChartProxies("default"), CancellationToken))
            Assert.InRange(Regex.Count(logs, $"Created HelmChartProxy default/{proxy["metadata"]!["name"]} "), 0, 1);
    }

    [Fact]
    public async Task LeaderStopped_GivesTheLeaseBackAtOnce()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await using var first = await StartAsync(environment, "--lease-duration", "5m");
        await first.WaitForLogAsync("This replica reconciles now", CancellationToken);
        await using var second = await StartAsync(environment, "--lease-duration", "5m");

        first.Terminate();

        await second.WaitForLogAsync("This replica reconciles now", CancellationToken);
        Assert.Equal(0, await first.WaitForExitAsync(CancellationToken));
    }

    /// <summary>The hooks of a replica that does not reconcile work all the same.</summary>
    [Fact]
    public async Task Follower_AnswersHooksAndReconcilesNothing()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await using var first = await StartAsync(environment);
        await first.WaitForLogAsync("This replica reconciles now", CancellationToken);
        await using var second = await StartAsync(environment);
        using var capi = second.CreateClusterApi();
        await CreateAsync(environment, "c1");
        await UntilInstalledAsync(environment, first, 1);

        Assert.Equal(200, (await capi.DiscoverAsync("1.13.4", CancellationToken)).StatusCode);
        await second.WaitForMetricAsync("capi_registry_hook_leader 0", CancellationToken);
        await first.WaitForMetricAsync("capi_registry_hook_leader 1", CancellationToken);
        Assert.DoesNotContain("Clusters were listed", second.Log, StringComparison.Ordinal);
    }

    private static Task<HookService> StartAsync(TestEnvironment environment, params string[] more) =>
        HookService.StartAsync(
            environment.Management.Kubeconfig, ["--reconciler", "On", .. more.Length == 0 ? ["--lease-duration", "5s"] : more],
            CancellationToken);

    private static async Task CreateAsync(TestEnvironment environment, string name)
    {
        await environment.GiveKubeconfigAsync(new TestCluster(name, "default", ""), CancellationToken);
        await environment.CreateClusterAsync(name, CancellationToken);
    }

    private static Task UntilInstalledAsync(TestEnvironment environment, HookService service, int count) => Polling.UntilAsync(
        $"{count} registries are installed",
        async () => (await environment.ManagementObjects.ListAsync(AdminClient.ChartProxies("default"), CancellationToken)).Count == count,
        () => service.Log, CancellationToken);

    private static Task UntilOrderedAsync(TestEnvironment environment, HookService service) => Polling.UntilAsync(
        "the renewal is done",
        async () =>
            (string?)(await environment.ManagementObjects.GetAsync(AdminClient.ChartProxies("default"), "c0-registry", CancellationToken))
            ["metadata"]!["annotations"]!["capi-registry-hook.io/certificate-requested-by"] == "before the kill",
        () => service.Log, CancellationToken);

    private static Task<JsonObject> OrderAsync(TestEnvironment environment, string cluster, string order) =>
        environment.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), cluster,
        new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["capi-registry-hook.io/renew"] = order } } },
        CancellationToken);
}
