using CapiRegistryHook.Harness;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>Watches of many namespaces beside the calls that must not wait for them: those of hooks, and renewals of the Lease.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class ManyNamespacesTests(EmbeddedEnvironment fixture)
{
    private const int Namespaces = 20;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TwentyWatchedNamespaces_HooksAreAnsweredAndTheLeaseIsRenewed()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        var management = (EmbeddedApiServer)environment.Management;
        List<string> names = [.. Enumerable.Range(0, Namespaces).Select(index => $"team-{index}")];
        foreach (var name in names)
            await environment.CreateNamespaceAsync(name, CancellationToken);
        await using var service = await HookService.StartAsync(
            environment.Management.Kubeconfig,
            ["--reconciler", "On", "--lease-duration", "3s", "--watch-namespaces", string.Join(',', names)], CancellationToken);
        using var capi = service.CreateClusterApi();
        await Polling.UntilAsync(
            "all watches are open", () => Task.FromResult(management.Calls.Count(call => call.Verb == "watch") >= 2 * Namespaces),
            () => service.Log, CancellationToken);

        var cluster = await environment.CreateClusterAsync("c1", CancellationToken, names[0]);
        var answer = await capi.CallAsync("1.13.4", "BeforeClusterCreate", cluster, CancellationToken);

        Assert.Equal("Success", (string?)JsonNode.Parse(answer.Text)!["status"]);
        Assert.Equal(0, (int?)JsonNode.Parse(answer.Text)!["retryAfterSeconds"] ?? 0);
        var renewals = Renewals(management);
        await Polling.UntilAsync(
            "the Lease is renewed past its duration", () => Task.FromResult(Renewals(management) >= renewals + 6),
            () => service.Log, CancellationToken);
        await service.WaitForMetricAsync("capi_registry_hook_leader 1", CancellationToken);
        Assert.True(Regex.Count(service.Log, "\"message\":\"This replica reconciles now") == 1, service.Log);
    }

    [Fact]
    public async Task HundredCallsAtOnceBesideWatches_FarAwayServer_AllSucceed()
    {
        await using var server = await EmbeddedApiServer.StartAsync("far-away", CancellationToken);
        using KubernetesClient client = new(
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(server.Kubeconfig), null, TimeProvider.System), new(), TimeProvider.System);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(CancellationToken);
        var watches = Enumerable.Range(0, Namespaces).Select(index => WatchAsync(client, $"ns-{index}", end.Token)).ToList();
        await Task.WhenAll(watches.Select(watch => watch.Synced));
        server.InjectFault(_ => Fault.Delay(Task.Delay(TimeSpan.FromMilliseconds(400), TimeProvider.System)));

        var found = await Task.WhenAll(Enumerable.Range(0, 100)
            .Select(_ => client.FindAsync(CoreResources.Namespaces, NamespacedName.Cluster("default"), CancellationToken)));

        Assert.All(found, Assert.NotNull);
        await end.CancelAsync();
        foreach (var (_, ended) in watches)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ended);
    }

    private static int Renewals(EmbeddedApiServer management) =>
        management.Calls.Count(call => call is { Resource: "leases", Verb: "patch", StatusCode: 200 });

    private static (Task Synced, Task Ended) WatchAsync(KubernetesClient client, string @namespace, CancellationToken end)
    {
        TaskCompletionSource synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return (synced.Task.WaitAsync(TimeSpan.FromSeconds(60), CancellationToken), Task.Run(RunAsync, CancellationToken));

        async Task RunAsync()
        {
            await foreach (var change in client.WatchAsync(CoreResources.Secrets, new ListOptions { Namespace = @namespace }, end))
            {
                if (change.Kind == WatchEventKind.Synced)
                    synced.TrySetResult();
            }
        }
    }
}
