using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// An admin changes the values of a fleet: the published program changes a few registries at a time. There are no pods here, so what the
/// service would write down when it has seen them is written for it.
/// </summary>
public abstract class RolloutScenarios(EnvironmentFixture fixture) : IAsyncLifetime
{
    private const string Prefix = "capi-registry-hook.io/";
    private const string Former = "priorityClassName: former\n";
    private const string Changed = "priorityClassName: changed\n";

    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-rollout-");
    private TestEnvironment _environment = null!;
    private HookService _service = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    private static string Releases => AdminClient.ChartProxies("default");

    public async ValueTask InitializeAsync()
    {
        _environment = await fixture.EmptyAsync(CancellationToken);
        _service = await HookService.StartAsync(
            _environment.Management.Kubeconfig,
            ["--reconciler", "On", "--lease-duration", "3s", "--rollout-concurrency", "2", "--rollout-max-failures", "1",
                "--registry-values-file", _folder.Write("values.yaml", Former)],
            CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        await _folder.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Values_ChangedForTwelveClusters_ReachTwoAtATime()
    {
        await InstallAsync(12);
        var most = 0;
        _folder.Write("values.yaml", Changed);

        await UntilAsync("all have the new values", async () =>
        {
            var releases = await ListAsync();
            var inProgress = releases.Where(release => Annotation(release, "served") != Annotation(release, "revision")).ToList();
            most = Math.Max(most, inProgress.Count);
            if (inProgress.Count < 2 && !releases.All(IsChanged))
                return false;
            foreach (var release in inProgress)
                await SeenServedAsync(release);
            return releases.All(IsChanged);
        });

        await StateAsync("current", 12);
        Assert.Equal(2, most);
    }

    [Fact]
    public async Task Values_PodsDoNotComeUp_StopsSaysSoAndGoesOnWhenTheyDo()
    {
        await InstallAsync(5);
        _folder.Write("values.yaml", Changed);
        List<JsonObject> changed = [];
        await UntilAsync("two have the new values", async () => (changed = [.. (await ListAsync()).Where(IsChanged)]).Count == 2);
        foreach (var release in changed)
            await AnnotateAsync(release, ("release-since", "2026-01-01T00:00:00Z"));

        await _service.WaitForMetricAsync("capi_registry_hook_rollout_stopped 1", CancellationToken);
        await StateAsync("failed", 2);
        await UntilAsync("both have an Event", async () =>
            (await _environment.ManagementObjects.ListAsync(AdminClient.Events("default"), CancellationToken))
                .Where(item => (string?)item["reason"] == "RolloutStopped").DistinctBy(item => (string?)item["regarding"]!["name"])
                .Count() == 2);
        await _service.WaitForLogAsync("The rollout has stopped", CancellationToken);
        Assert.Equal(2, (await ListAsync()).Count(IsChanged));
        var status = await ProgramRun.RunAsync(
            HookService.ProgramPath(),
            ["status", "--kubeconfig", _folder.Write("kubeconfig", _environment.Management.Kubeconfig), "--rollout-max-failures", "1"],
            CancellationToken);
        Assert.Equal(2, status.Output.Split('\n').Count(line => line.Contains("has stopped", StringComparison.Ordinal)));

        foreach (var release in changed)
            await SeenServedAsync(release);
        await UntilAsync("the next ones have the new values", async () => (await ListAsync()).Count(IsChanged) == 4);
        await _service.WaitForMetricAsync("capi_registry_hook_rollout_stopped 0", CancellationToken);
    }

    private async Task InstallAsync(int count)
    {
        foreach (var name in Enumerable.Range(0, count).Select(index => $"c{index}"))
        {
            await _environment.GiveKubeconfigAsync(new TestCluster(name, "default", ""), CancellationToken);
            await _environment.CreateClusterAsync(name, CancellationToken);
        }

        await UntilAsync("all are installed", async () => (await ListAsync()).Count == count);
        foreach (var release in await ListAsync())
            await SeenServedAsync(release);
        await _service.WaitForMetricAsync($"capi_registry_hook_clusters{{phase=\"ready\"}} {count}", CancellationToken);
        await StateAsync("current", count);
    }

    private Task StateAsync(string state, int count) =>
        _service.WaitForMetricAsync($"capi_registry_hook_rollout_clusters{{state=\"{state}\"}} {count}", CancellationToken);

    private Task UntilAsync(string what, Func<Task<bool>> isSo) => Polling.UntilAsync(what, isSo, () => _service.Log, CancellationToken);

    private Task<IReadOnlyList<JsonObject>> ListAsync() => _environment.ManagementObjects.ListAsync(Releases, CancellationToken);

    private Task<JsonObject> SeenServedAsync(JsonObject release) => AnnotateAsync(
        release, ("release-served", Annotation(release, "revision")),
        ("certificate-served", (string?)release["metadata"]!["annotations"]![$"{Prefix}certificate-serial"]));

    private Task<JsonObject> AnnotateAsync(JsonObject release, params (string Name, string? Value)[] annotations) =>
        _environment.ManagementObjects.MergePatchAsync(Releases, (string)release["metadata"]!["name"]!, new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["annotations"] = new JsonObject(annotations.Select(annotation => KeyValuePair.Create<string, JsonNode?>(
                    Prefix + annotation.Name, annotation.Value))),
            },
        }, CancellationToken);

    private static string? Annotation(JsonObject release, string name) =>
        (string?)release["metadata"]!["annotations"]![$"{Prefix}release-{name}"];

    private static bool IsChanged(JsonObject release) =>
        ((string)release["spec"]!["valuesTemplate"]!).Contains("changed", StringComparison.Ordinal);
}

/// <summary>On API servers in this process.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class EmbeddedRolloutTests(EmbeddedEnvironment environment) : RolloutScenarios(environment);

/// <summary>On real kube-apiservers with etcd.</summary>
[Collection(OnApiServers.Name)]
public sealed class RealRolloutTests(RealEnvironment environment) : RolloutScenarios(environment);
