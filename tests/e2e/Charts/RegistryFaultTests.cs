using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Cluster;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>What an installed registry must not stand in the way of, broken or half-way through a garbage collection.</summary>
[Collection(OnOneNode.Name)]
public sealed class RegistryFaultTests(SharedCluster shared)
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>
    /// A drain evicts pods. With every replica broken, a budget refuses that for ever on a Kubernetes that knows no
    /// unhealthyPodEvictionPolicy, so the chart makes none there.
    /// </summary>
    [Fact]
    public async Task Evict_EveryReplicaBroken_IsGranted()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-evict", CancellationToken);
        await release.InstallAsync("""{"replicas": 2, "storage": {"type": "emptyDir"}}""", CancellationToken);
        await release.KubectlAsync(CancellationToken, "patch", "configmap/registry", "--patch", """{"data": {"config.yml": "nothing"}}""");
        await release.KubectlAsync(CancellationToken, "delete", "pods/registry-0", "pods/registry-1", "--force", "--grace-period=0");
        foreach (var pod in (string[])["registry-0", "registry-1"])
            await Polling.UntilAsync($"{pod} is broken", () => IsBrokenAsync(release, pod), () => "", CancellationToken);

        // What other charts make, to see that it would be refused. (Beside a budget of the chart's own it would be one too many.)
        if (await release.KubectlAsync(CancellationToken, "get", "poddisruptionbudgets", "--output=name") == "")
        {
            await release.Kubectl.ApplyAsync(Budget(release.Namespace), CancellationToken);
            await Polling.UntilAsync("the budget counts", async () => (await EvictAsync(release, "registry-0")).Errors
                .Contains("disruption budget", StringComparison.Ordinal), () => "", CancellationToken);
            await release.KubectlAsync(CancellationToken, "delete", "poddisruptionbudget/common");
        }

        foreach (var pod in (string[])["registry-0", "registry-1"])
            (await EvictAsync(release, pod)).OutputOfSuccess();
    }

    /// <summary>Helm 4 applies on the server, which refuses what somebody else has set.</summary>
    [Fact]
    public async Task Upgrade_ByHelm4AfterAKilledCollection_HasNoConflict()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-killed", CancellationToken);
        await release.Kubectl.ApplyAsync(RegistryInstallTests.Claim(release.Namespace), CancellationToken);
        await release.CreateSecretAsync("http", CancellationToken, ("httpSecret", Guid.NewGuid().ToString()));
        const string Values = """
            {"storage": {"type": "existingClaim", "existingClaim": {"claimName": "images"}}, "httpSecret": {"secretName": "http"},
             "garbageCollection": {"enabled": true}, "log": {"level": "LEVEL"}}
            """;
        await release.InstallAsync(Values.Replace("LEVEL", "info", StringComparison.Ordinal), CancellationToken, tool: "helm4");

        await release.StartCollectionAsync("killed", CancellationToken);
        await Polling.UntilAsync("read-only", async () => await ReadOnlyUntilAsync(release) != "", () => "", CancellationToken);
        await release.KubectlAsync(CancellationToken, "delete", "job/killed", "--cascade=foreground");
        await release.InstallAsync(Values.Replace("LEVEL", "debug", StringComparison.Ordinal), CancellationToken, tool: "helm4");

        // The next collection, or the time that the pods know, ends it.
        Assert.NotEqual("", await ReadOnlyUntilAsync(release));
        Assert.Contains("level: debug", await release.KubectlAsync(CancellationToken, "get", "configmap/registry",
            "--output=jsonpath={.data.config\\.yml}"), StringComparison.Ordinal);
    }

    /// <summary>A pod that has not run yet may always go.</summary>
    private static async Task<bool> IsBrokenAsync(RegistryRelease release, string pod)
    {
        var state = await release.Kubectl.RunAsync(CancellationToken, "--namespace", release.Namespace, "get", $"pod/{pod}",
            "--output=jsonpath={.status.phase} {.status.containerStatuses[*].restartCount}");
        return state.Output.StartsWith("Running ", StringComparison.Ordinal) && state.Output.Trim() != "Running 0 0";
    }

    private static async Task<CommandResult> EvictAsync(RegistryRelease release, string pod)
    {
        var versions = await release.KubectlAsync(CancellationToken, "api-versions");
        var eviction = new JsonObject
        {
            ["apiVersion"] = versions.Split('\n').Contains("policy/v1") ? "policy/v1" : "policy/v1beta1",
            ["kind"] = "Eviction",
            ["metadata"] = new JsonObject { ["name"] = pod, ["namespace"] = release.Namespace },
        };
        return await release.Kubectl.RunAsync(eviction.ToJsonString(), CancellationToken, "create", "--raw",
            $"/api/v1/namespaces/{release.Namespace}/pods/{pod}/eviction", "--filename=-");
    }

    private static Task<string> ReadOnlyUntilAsync(RegistryRelease release) => release.KubectlAsync(CancellationToken, "get",
        "statefulset/registry", "--output=jsonpath={.spec.template.metadata.annotations.capi-registry-hook\\.io/read-only-until}");

    private static string Budget(string @namespace) => $$"""
        apiVersion: policy/v1beta1
        kind: PodDisruptionBudget
        metadata: {name: common, namespace: {{@namespace}} }
        spec: {maxUnavailable: 1, selector: {matchLabels: {app.kubernetes.io/component: registry} } }
        """;
}
