using CapiRegistryHook.Harness;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// The rules of the chart against the calls that the service makes on the management cluster over a cluster's whole life, with its
/// faults and conflicts: each call is allowed, and each rule is used.
/// </summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class RightsTests(EmbeddedEnvironment fixture)
{
    private const string Version = "1.13.4";

    private static readonly Dictionary<string, string> Held =
        new() { ["capi-registry-hook.io/upgrade-held"] = "v1.35.0@2026-01-01T00:00:00Z" };

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rules_AreTheCallsThatTheServiceMakes()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        var made = new HashSet<(string Verb, string Group, string Resource)>();

        await PlayHooksAsync(environment, made);
        var hooksAlone = await HookChart.RenderAsync(CancellationToken, "--set", "reconciler.enabled=false");
        Assert.Equal(hooksAlone.Single(entry => entry.Kind() == "ClusterRole").Rights().Order(), made.Order());
        Assert.DoesNotContain(hooksAlone, entry => entry.Kind() == "Role");

        await PlayReconcilerAsync(environment, made);
        var rendered = await HookChart.RenderAsync(CancellationToken);
        var allowed = rendered.Single(entry => entry.Kind() == "ClusterRole").Rights();
        Assert.Equal(allowed.Order(), made.Where(call => !IsOfTheLeader(call)).Order());
        var leader = rendered.One("Role", $"{HookChart.Release}-leader");
        Assert.Equal(HookService.Namespace, (string?)leader["metadata"]!["namespace"]);
        Assert.Equal(leader.Rights().Order(), made.Where(IsOfTheLeader).Order());
    }

    private static bool IsOfTheLeader((string Verb, string Group, string Resource) call) =>
        call.Resource == "leases" || call is { Verb: "delete", Resource: "secrets" };

    private static async Task PlayHooksAsync(TestEnvironment environment, HashSet<(string Verb, string Group, string Resource)> made)
    {
        var management = (EmbeddedApiServer)environment.Management;
        await using var service =
            await HookService.StartAsync(environment.Management.Kubeconfig, ["--upgrade-block-limit", "0s"], CancellationToken);
        using var capi = service.CreateClusterApi();
        await LiveAsync(environment, async (hook, cluster, target) =>
        {
            management.ClearCalls();
            var request = RecordedHookRequest.Load(Version, hook).For(cluster);
            if (target is not null)
                request.To(target);
            request.Body["cluster"]!["metadata"]!.AsObject().Remove("labels");
            Assert.Equal(200, (await capi.PostAsync(request, CancellationToken)).StatusCode);
            made.UnionWith(management.Calls.SelectMany(Needed));
        });
    }

    /// <summary>
    /// A registry comes and goes by the variable alone, and the rotation that was begun before ends, since nobody waits for a paused
    /// Cluster. The log is waited for, so that no read of the test's own counts.
    /// </summary>
    private static async Task PlayReconcilerAsync(TestEnvironment environment, HashSet<(string Verb, string Group, string Resource)> made)
    {
        var management = (EmbeddedApiServer)environment.Management;
        var cluster = await environment.CreateClusterAsync("r1", CancellationToken);
        await environment.GiveKubeconfigAsync(cluster, CancellationToken);
        await PauseAsync(environment);
        management.ClearCalls();
        await using var service =
            await HookService.StartAsync(
                environment.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s"], CancellationToken);
        await service.WaitForLogAsync("Created HelmChartProxy default/r1-registry", CancellationToken);
        await FailAsync(environment);
        await Polling.UntilAsync("the release is asked why it fails", () => Task.FromResult(
            management.Calls.Any(call => call.Resource == "helmreleaseproxies")), () => service.Log, CancellationToken);
        await environment.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), "r1",
            new JsonObject { ["spec"] = new JsonObject { ["topology"] = new JsonObject { ["variables"] = new JsonArray() } } },
            CancellationToken);
        await service.WaitForLogAsync("Deleted HelmChartProxy default/r1-registry", CancellationToken);
        await service.WaitForLogAsync($"Deleted Secret {HookService.Namespace}/registry-addon-root-ca-next", CancellationToken);
        await Polling.UntilAsync("the Lease is renewed", () => Task.FromResult(
            management.Calls.Any(call => call is { Resource: "leases", Verb: "patch" })), () => service.Log, CancellationToken);
        made.UnionWith(
            management.Calls.Where(call => !call.IsWrite || call.FieldManager is not null || call.Verb == "delete").SelectMany(Needed));
    }

    /// <summary>What is done in the hook's own namespace when rights are given by namespace: less than beside a Cluster.</summary>
    [Theory]
    [InlineData("Managed")]
    [InlineData("External")]
    public async Task RootRules_AreTheCallsInTheOwnNamespace(string source)
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        var management = (EmbeddedApiServer)environment.Management;
        await using var service =
            await HookService.StartAsync(environment.Management.Kubeconfig, ["--root-source", source], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        await environment.GiveKubeconfigAsync(cluster, CancellationToken);
        management.ClearCalls();

        foreach (var hook in new[] { "BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade" })
            await capi.CallAsync(Version, hook, cluster, CancellationToken);
        if (source == "Managed")
            await RotateAsync(environment);
        var made = management.Calls.Where(call => call is { Namespace: HookService.Namespace, Resource: "secrets" }
            && (!call.IsWrite || call.FieldManager is not null || call.Verb == "delete")).ToList();

        var rendered =
            await HookChart.RenderAsync(CancellationToken, "--set", "rbac.namespaces={default}", "--set", $"root.source={source}");
        var allowed = rendered.One("Role", $"{HookChart.Release}-root").Rights();
        Assert.Equal(allowed.Order(), made.SelectMany(Needed).Distinct().Where(call => !IsOfTheLeader(call)).Order());
        Assert.All(
            made, call => Assert.True(call.Name is "" or "registry-addon-root-ca" or "registry-addon-root-ca-next", call.ToString()));
    }

    /// <summary>A rotation from the order to its end, in a process that leads.</summary>
    private static async Task RotateAsync(TestEnvironment environment)
    {
        await PauseAsync(environment);
        await environment.ManagementObjects.MergePatchAsync(AdminClient.Secrets(HookService.Namespace), "registry-addon-root-ca",
            new JsonObject { ["metadata"] =
                new JsonObject { ["annotations"] = new JsonObject { ["capi-registry-hook.io/rotate-ca"] = "now" } } }, CancellationToken);
        await using var service = await HookService.StartAsync(
            environment.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s", "--watch-namespaces", "default"],
            CancellationToken);
        await service.WaitForLogAsync($"Deleted Secret {HookService.Namespace}/registry-addon-root-ca-next", CancellationToken);
    }

    /// <summary>The pods were seen, so nothing is due, and the add-on provider says that the release is not as it is to be.</summary>
    private static async Task FailAsync(TestEnvironment environment)
    {
        var releases = AdminClient.ChartProxies("default");
        var known = (await environment.ManagementObjects.GetAsync(releases, "r1-registry", CancellationToken))["metadata"]!["annotations"]!;
        const string Prefix = "capi-registry-hook.io/";
        await environment.ManagementObjects.MergePatchAsync(releases, "r1-registry", new JsonObject
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
        await environment.ManagementObjects.MergePatchAsync(
            releases, "r1-registry/status", ProviderStatus.ChartProxy("False"), CancellationToken);
    }

    private static Task<JsonObject> PauseAsync(TestEnvironment environment) => environment.ManagementObjects.MergePatchAsync(
        AdminClient.Clusters("default"), "c1", new JsonObject { ["spec"] = new JsonObject { ["paused"] = true } }, CancellationToken);

    /// <summary>
    /// All hooks from an empty cluster to one that is upgraded twice: with everything to do, nothing to do, edited objects, conflicts and
    /// no workload cluster.
    /// </summary>
    private static async Task LiveAsync(TestEnvironment environment, Func<string, TestCluster, string?, Task> call)
    {
        var management = (EmbeddedApiServer)environment.Management;
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        await call("BeforeClusterCreate", cluster, null);
        await call("AfterControlPlaneInitialized", cluster, null);
        await call("BeforeClusterUpgrade", cluster, "v1.34.0");
        await environment.GiveKubeconfigAsync(cluster, CancellationToken);
        await EachAsync(cluster, null, call);
        await EachAsync(cluster, "v1.34.0", call);

        await environment.ManagementObjects.MergePatchAsync(AdminClient.Secrets("default"), "c1-registry-addon-ca",
            new JsonObject { ["metadata"] = new JsonObject { ["ownerReferences"] = null } }, CancellationToken);
        await environment.ManagementObjects.MergePatchAsync(AdminClient.ChartProxies("default"), "c1-registry",
            new JsonObject { ["spec"] = new JsonObject { ["version"] = "9.9.9" } }, CancellationToken);
        await EachAsync(cluster, "v1.35.0", call);

        // Once each write of an object that is there meets somebody who was faster.
        var refused = new HashSet<string>();
        management.InjectFault(
            request => request.Verb is "patch" or "apply" && refused.Add(request.Resource) ? Fault.Status(409, "Conflict") : null);
        try
        {
            await environment.ManagementObjects.DeleteIfThereAsync(
                AdminClient.Secrets("default"), "c1-registry-addon-ca", CancellationToken);
            await EachAsync(cluster with { Annotations = Held }, "v1.36.0", call);
        }
        finally
        {
            management.ClearFaults();
        }

        await ForeignRoot.GiveSuccessorWithoutCrossCertificateAsync(environment, cluster, CancellationToken);
        await EachAsync(cluster, "v1.37.0", call);
    }

    private static async Task EachAsync(TestCluster cluster, string? target, Func<string, TestCluster, string?, Task> call)
    {
        await call("BeforeClusterCreate", cluster, null);
        await call("AfterControlPlaneInitialized", cluster, null);
        await call("BeforeClusterUpgrade", cluster, target);
    }

    /// <summary>What a role must allow for a call: server-side apply is a patch, and a creation too when nothing was there.</summary>
    private static IEnumerable<(string Verb, string Group, string Resource)> Needed(RecordedCall call)
    {
        var resource = call.Subresource.Length == 0 ? call.Resource : $"{call.Resource}/{call.Subresource}";
        if (call.Verb != "apply")
            return [(call.Verb, call.Group, resource)];
        (string, string, string)[] verbs = [("patch", call.Group, resource), ("create", call.Group, resource)];
        return call.StatusCode == 201 ? verbs : verbs[..1];
    }
}
