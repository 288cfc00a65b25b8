using System.Globalization;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// How long BeforeClusterUpgrade may hold an upgrade: never longer than the limit, whatever else is broken, and never shorter.
/// </summary>
[Collection(OnApiServers.Name)]
public sealed class UpgradeBlockDeadlineTests(EmbeddedEnvironment embedded, RealEnvironment real)
{
    private const string Version = "1.13.4";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task BeforeClusterUpgrade_FaultOutlastsTheLimit_GoesOnWithAWarning()
    {
        var environment = await real.EmptyAsync(CancellationToken);
        await using var service =
            await HookService.StartAsync(environment.Management.Kubeconfig, ["--upgrade-block-limit", "1h"], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);

        var blocked = await capi.CallAsync(Version, "BeforeClusterUpgrade", cluster, CancellationToken);
        var held = await HeldAnnotationAsync(environment);
        var longAgo = Mark("v1.34.0", TimeSpan.FromHours(2));
        var over = await capi.CallAsync(Version, "BeforeClusterUpgrade", WithHeld(cluster, longAgo), CancellationToken);
        var again = await capi.CallAsync(Version, "BeforeClusterUpgrade", WithHeld(cluster, longAgo), CancellationToken);
        var events = await environment.ManagementObjects.ListAsync(AdminClient.Events("default"), CancellationToken);
        await environment.GiveKubeconfigAsync(cluster, CancellationToken);
        var healed = await capi.CallAsync(Version, "BeforeClusterUpgrade", WithHeld(cluster, longAgo), CancellationToken);

        Assert.Equal("Success", blocked.Status);
        Assert.InRange(blocked.RetryAfterSeconds ?? 0, 1, 30);
        Assert.StartsWith("v1.34.0@", held, StringComparison.Ordinal);
        Assert.Equal(("Success", 0), (over.Status, over.RetryAfterSeconds));
        Assert.Contains("default/c1-kubeconfig", over.Message, StringComparison.Ordinal);
        Assert.Equal(over.Text, again.Text);
        var warning = Assert.Single(events);
        Assert.Equal(("Warning", "RegistryNotRefreshed", "c1"),
            ((string?)warning["type"], (string?)warning["reason"], (string?)warning["regarding"]!["name"]));
        Assert.Equal(("Success", 0), (healed.Status, healed.RetryAfterSeconds));
        Assert.Null(await HeldAnnotationAsync(environment));
    }

    [Fact]
    public async Task BeforeClusterUpgrade_EventForbidden_StillGoesOnAtTheLimit()
    {
        var environment = await embedded.EmptyAsync(CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        var management = (EmbeddedApiServer)environment.Management;
        management.InjectFault(call => call.Resource == "events" ? Fault.Status(403, "Forbidden") : null);
        try
        {
            var over =
                await capi.CallAsync(
                    Version, "BeforeClusterUpgrade", WithHeld(cluster, Mark("v1.34.0", TimeSpan.FromHours(2))), CancellationToken);

            Assert.Equal(("Success", 0), (over.Status, over.RetryAfterSeconds));
        }
        finally
        {
            management.ClearFaults();
        }
    }

    [Fact]
    public async Task BeforeClusterUpgrade_FormerHoldCannotBeRemoved_GoesOn()
    {
        var environment = await embedded.EmptyAsync(CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await PrepareAsync(environment, capi);
        var management = (EmbeddedApiServer)environment.Management;
        management.InjectFault(call => call is { Verb: "patch", Resource: "clusters" } ? Fault.Status(403, "Forbidden") : null);
        try
        {
            var healed =
                await capi.CallAsync(
                    Version, "BeforeClusterUpgrade", WithHeld(cluster, Mark("v1.33.0", TimeSpan.FromHours(2))), CancellationToken);

            Assert.Equal(("Success", 0), (healed.Status, healed.RetryAfterSeconds));
        }
        finally
        {
            management.ClearFaults();
        }
    }

    private static async Task<TestCluster> PrepareAsync(TestEnvironment environment, ClusterApi capi)
    {
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        await environment.GiveKubeconfigAsync(cluster, CancellationToken);
        Assert.Equal("Success", (await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken)).Status);
        return cluster;
    }

    private static string Mark(string version, TimeSpan ago) =>
        $"{version}@{(TimeProvider.System.GetUtcNow() - ago).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)}";

    private static TestCluster WithHeld(TestCluster cluster, string value) =>
        cluster with { Annotations = new Dictionary<string, string> { ["capi-registry-hook.io/upgrade-held"] = value } };

    private static async Task<string?> HeldAnnotationAsync(TestEnvironment environment)
    {
        var cluster = await environment.ManagementObjects.GetAsync(AdminClient.Clusters("default"), "c1", CancellationToken);
        return (string?)(cluster["metadata"]!["annotations"] as JsonObject)?["capi-registry-hook.io/upgrade-held"];
    }
}
