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
internal sealed record FaultCase(string Name, string Hook, Func<FaultFixture, TestCluster, Task> Begin)
{
    private const string Create = "BeforeClusterCreate";
    private const string Install = "AfterControlPlaneInitialized";
    private const string Upgrade = "BeforeClusterUpgrade";

    /// <summary>Decides which calls fail where only a share of them does; before all cases, which use it.</summary>
    public static int Seed { get; } = TestSeed.From("FAULT_SEED");

    /// <summary>True when the hook does its work in spite of the fault.</summary>
    public bool IsOvercome { get; init; }

    /// <summary>Makes good what mending the proxies does not.</summary>
    public Func<FaultFixture, TestCluster, Task> End { get; init; } = (_, _) => Task.CompletedTask;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

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
        new("half-open connections: nothing comes back", Upgrade, Gate(fixture => fixture.Workload, GateState.Silent)),
        new("half-open connections to the management cluster", Create, Gate(fixture => fixture.Management, GateState.Silent)),
        new("connections reset", Install, Gate(fixture => fixture.Workload, GateState.Reset)),
        new("name of the workload API server does not resolve", Install,
        (fixture, cluster) => PutKubeconfigAsync(fixture, cluster, Unresolvable(fixture)))
        {
            End = (fixture, cluster) => PutKubeconfigAsync(fixture, cluster, fixture.Workload.Kubeconfig),
        },
        new("token of the workload kubeconfig expired", Upgrade,
        (fixture, cluster) => PutKubeconfigAsync(fixture, cluster, fixture.Workload.KubeconfigWith("expired")))
        {
            End = (fixture, cluster) => PutKubeconfigAsync(fixture, cluster, fixture.Workload.Kubeconfig),
        },
        new("clock of the workload API server an hour ahead", Install, ShowFutureCertificateAsync),
        new("etcd of the management cluster restarts", Create,
        (fixture, _) => ((RealApiServer)fixture.Environment.Management).StopEtcdAsync())
        {
            End = (fixture, _) => ((RealApiServer)fixture.Environment.Management).RestartEtcdAsync(CancellationToken),
        },
        new("workload cluster gone after a write, before its answer", Upgrade, GoneMidWriteAsync),
    ];

    private static Func<FaultFixture, TestCluster, Task> Management(Func<HttpRequest, Fault?> rule) => (fixture, _) =>
    {
        fixture.Management.Fail(rule);
        return Task.CompletedTask;
    };

    private static Func<FaultFixture, TestCluster, Task> Workload(Func<HttpRequest, Fault?> rule) => (fixture, _) =>
    {
        fixture.Workload.Fail(rule);
        return Task.CompletedTask;
    };

    private static Func<FaultFixture, TestCluster, Task> Gate(Func<FaultFixture, FaultProxy> proxy, GateState state) => (fixture, _) =>
    {
        proxy(fixture).Gate.Turn(state);
        return Task.CompletedTask;
    };

    private static Fault Pause(int milliseconds) => Fault.Delay(Task.Delay(TimeSpan.FromMilliseconds(milliseconds), TimeProvider.System));

    /// <summary>By chance, as in life: every third call exactly could be the same step of each try, for ever.</summary>
    private static Func<HttpRequest, Fault?> OneInThree(Fault fault)
    {
        var random = new Random(Seed);
        return _ =>
        {
            lock (random)
                return random.Next(3) == 0 ? fault : null;
        };
    }

    private static Func<HttpRequest, Fault?> First(int count, Fault fault)
    {
        var calls = 0;
        return _ => Interlocked.Increment(ref calls) <= count ? fault : null;
    }

    private static Task ShowFutureCertificateAsync(FaultFixture fixture, TestCluster cluster)
    {
        // Connections that are open had their handshake before.
        fixture.Workload.Gate.Turn(GateState.Reset);
        fixture.Workload.ShowsFutureCertificate = true;
        fixture.Workload.Gate.Turn(GateState.Open);
        return Task.CompletedTask;
    }

    /// <summary>The certificate is written, the answer is lost, and then nobody is there any more.</summary>
    private static Task GoneMidWriteAsync(FaultFixture fixture, TestCluster cluster)
    {
        fixture.Workload.Fail(request =>
        {
            if (request.Method == "GET"
                || !request.Path.StartsWithSegments("/api/v1/namespaces/registry-system/secrets", StringComparison.Ordinal))
                return null;
            fixture.Workload.Fail(_ => Fault.DropBefore());
            return Fault.DropAfter();
        });
        return Task.CompletedTask;
    }

    private static string Unresolvable(FaultFixture fixture) =>
        fixture.Workload.Kubeconfig.Replace("https://127.0.0.1", "https://nowhere.invalid", StringComparison.Ordinal);

    private static Task<JsonObject> PutKubeconfigAsync(FaultFixture fixture, TestCluster cluster, string kubeconfig) =>
        fixture.Environment.ManagementObjects.MergePatchAsync(
        AdminClient.Secrets(cluster.Namespace), $"{cluster.Name}-kubeconfig",
        new JsonObject { ["data"] = new JsonObject { ["value"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(kubeconfig)) } },
        CancellationToken);
}
