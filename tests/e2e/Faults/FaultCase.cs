using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Faults;
using CapiRegistryHook.Harness.Service;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.EndToEnd.Tests.Faults;

/// <summary>One way to fail: how it begins, how it ends, and which hook meets it.</summary>
/// <param name="Name">As the table in docs/reliability.md has it.</param>
/// <param name="Hook">The hook that is called meanwhile.</param>
/// <param name="Begin">Breaks something; the proxies are whole before.</param>
internal sealed record FaultCase(string Name, string Hook, Func<FaultScene, TestCluster, Task> Begin)
{
    private const string Create = "BeforeClusterCreate";
    private const string Install = "AfterControlPlaneInitialized";
    private const string Upgrade = "BeforeClusterUpgrade";

    /// <summary>True when the hook does its work in spite of the fault.</summary>
    public bool IsOvercome { get; init; }

    /// <summary>Makes good what mending the proxies does not.</summary>
    public Func<FaultScene, TestCluster, Task> End { get; init; } = (_, _) => Task.CompletedTask;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static IReadOnlyList<FaultCase> All { get; } =
    [
        new("management API server slow, 300 ms a call", Create, Management(_ => Pause(300))) { IsOvercome = true },
        new("workload API server slow, 300 ms a call", Install, Workload(_ => Pause(300))) { IsOvercome = true },
        new("management API server hangs", Create, Management(_ => Fault.Delay(new TaskCompletionSource().Task))),
        new("workload API server hangs", Upgrade, Workload(_ => Fault.Delay(new TaskCompletionSource().Task))),
        new("workload API server flaps: a third of all connections is cut", Install,
        Workload(OneInThree(Fault.DropBefore()))) { IsOvercome = true },
        new("management API server flaps: a third of all answers is 503", Create,
        Management(OneInThree(Fault.Status(503, "ServiceUnavailable")))) { IsOvercome = true },
        new("429 with Retry-After for the first two calls", Upgrade,
        Workload(First(2, Fault.Status(429, "TooManyRequests", retryAfter: TimeSpan.FromSeconds(1))))) { IsOvercome = true },
        new("429 for every call", Upgrade, Workload(_ => Fault.Status(429, "TooManyRequests", retryAfter: TimeSpan.FromSeconds(1)))),
        new("500 for every call", Create, Management(_ => Fault.Status(500, "InternalError"))),
        new("409 for every write", Upgrade, Workload(request => request.Method == "GET" ? null : Fault.Status(409, "Conflict"))),
        new("half-open connections: nothing comes back", Upgrade, Gate(scene => scene.Workload, GateState.Silent)),
        new("half-open connections to the management cluster", Create, Gate(scene => scene.Management, GateState.Silent)),
        new("connections reset", Install, Gate(scene => scene.Workload, GateState.Reset)),
        new("name of the workload API server does not resolve", Install,
        (scene, cluster) => PutKubeconfigAsync(scene, cluster, Unresolvable(scene)))
        {
            End = (scene, cluster) => PutKubeconfigAsync(scene, cluster, scene.Workload.Kubeconfig),
        },
        new("token of the workload kubeconfig expired", Upgrade,
        (scene, cluster) => PutKubeconfigAsync(scene, cluster, scene.Workload.KubeconfigWith("expired")))
        {
            End = (scene, cluster) => PutKubeconfigAsync(scene, cluster, scene.Workload.Kubeconfig),
        },
        new("clock of the workload API server an hour ahead", Install, ShowFutureCertificateAsync),
        new("etcd of the management cluster restarts", Create, (scene, _) => ((RealApiServer)scene.Stage.Management).StopEtcdAsync())
        {
            End = (scene, _) => ((RealApiServer)scene.Stage.Management).RestartEtcdAsync(Cancelled),
        },
        new("workload cluster gone after a write, before its answer", Upgrade, GoneMidWriteAsync),
    ];

    private static Func<FaultScene, TestCluster, Task> Management(Func<HttpRequest, Fault?> rule) => (scene, _) =>
    {
        scene.Management.Fail(rule);
        return Task.CompletedTask;
    };

    private static Func<FaultScene, TestCluster, Task> Workload(Func<HttpRequest, Fault?> rule) => (scene, _) =>
    {
        scene.Workload.Fail(rule);
        return Task.CompletedTask;
    };

    private static Func<FaultScene, TestCluster, Task> Gate(Func<FaultScene, FaultProxy> proxy, GateState state) => (scene, _) =>
    {
        proxy(scene).Gate.Turn(state);
        return Task.CompletedTask;
    };

    private static Fault Pause(int milliseconds) => Fault.Delay(Task.Delay(TimeSpan.FromMilliseconds(milliseconds), TimeProvider.System));

    /// <summary>By chance, as in life: every third call exactly could be the same step of each try, for ever.</summary>
    private static Func<HttpRequest, Fault?> OneInThree(Fault fault) => _ => Random.Shared.Next(3) == 0 ? fault : null;

    private static Func<HttpRequest, Fault?> First(int count, Fault fault)
    {
        var calls = 0;
        return _ => Interlocked.Increment(ref calls) <= count ? fault : null;
    }

    private static Task ShowFutureCertificateAsync(FaultScene scene, TestCluster cluster)
    {
        // Connections that are open had their handshake before.
        scene.Workload.Gate.Turn(GateState.Reset);
        scene.Workload.ShowsFutureCertificate = true;
        scene.Workload.Gate.Turn(GateState.Open);
        return Task.CompletedTask;
    }

    /// <summary>The certificate is written, the answer is lost, and then nobody is there any more.</summary>
    private static Task GoneMidWriteAsync(FaultScene scene, TestCluster cluster)
    {
        scene.Workload.Fail(request =>
        {
            if (request.Method == "GET"
                || !request.Path.StartsWithSegments("/api/v1/namespaces/registry-system/secrets", StringComparison.Ordinal))
                return null;
            scene.Workload.Fail(_ => Fault.DropBefore());
            return Fault.DropAfter();
        });
        return Task.CompletedTask;
    }

    private static string Unresolvable(FaultScene scene) =>
        scene.Workload.Kubeconfig.Replace("https://127.0.0.1", "https://nowhere.invalid", StringComparison.Ordinal);

    private static Task<JsonObject> PutKubeconfigAsync(FaultScene scene, TestCluster cluster, string kubeconfig) =>
        scene.Stage.ManagementObjects.MergePatchAsync(
        AdminClient.Secrets(cluster.Namespace), $"{cluster.Name}-kubeconfig",
        new JsonObject { ["data"] = new JsonObject { ["value"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(kubeconfig)) } }, Cancelled);
}
