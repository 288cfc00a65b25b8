using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// Many clusters that need nothing: they are listed in pages, and looked at without a write and without a call of a workload cluster.
/// tests/benchmarks does the same with 10,000.
/// </summary>
[Collection(OnApiServers.Name)]
public sealed class FleetTests(EmbeddedEnvironment embedded, RealEnvironment real)
{
    private const int Clusters = 250;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FullPass_HealthyFleet_ReadsPagesAndWritesNothing()
    {
        var environment = await embedded.EmptyAsync(CancellationToken);
        var (management, workload) = ((EmbeddedApiServer)environment.Management, (EmbeddedApiServer)environment.Workload);
        await Fleet.CreateAsync(environment, Clusters, CancellationToken);
        management.ClearCalls();
        await using (var first = await StartAsync(environment))
            await first.WaitForMetricAsync(Ready, CancellationToken);
        // It said of each Cluster that its registry is ready; to find that said is no reason to write.
        Assert.Equal(Clusters, management.Calls.Count(IsWriteOfAPass));
        management.ClearCalls();
        workload.ClearCalls();

        await using var service = await StartAsync(environment);
        await service.WaitForMetricAsync(Ready, CancellationToken);

        Assert.Empty(workload.Calls);
        Assert.DoesNotContain(management.Calls, IsWriteOfAPass);
        // Pages of 100, and one list of one that asks for the version.
        Assert.Equal(4, management.Calls.Count(call => call is { Verb: "list", Resource: "clusters" }));
        Assert.Equal(3, management.Calls.Count(call => call is { Verb: "list", Resource: "helmchartproxies" }));
        Assert.InRange(management.Calls.Count(call => call.Verb == "get") / (double)Clusters, 3, 4.2);
    }

    [Fact]
    public async Task FullPass_RealApiServer_TakesAFewMillisecondsOfProcessorPerCluster()
    {
        var environment = await real.EmptyAsync(CancellationToken);
        await Fleet.CreateAsync(environment, Clusters, CancellationToken);

        await using var service = await StartAsync(environment);
        await service.WaitForMetricAsync(Ready, CancellationToken);
        var (seconds, megabytes) = (service.ProcessorSeconds(), service.ResidentBytes() / 1048576.0);

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Clusters} clusters: {seconds:F1} s of CPU since the start, {megabytes:F0} MiB");
        Assert.True(megabytes <= 150, $"{megabytes} MiB");
        // Most of it is the start of the program; 10,000 clusters may take 60 s.
        Assert.True(seconds <= 10, $"{seconds} s");
    }

    private static bool IsWriteOfAPass(RecordedCall call) =>
        call.IsWrite && call.Resource != "leases";

    private static string Ready => $"capi_registry_hook_clusters{{phase=\"ready\"}} {Clusters}";

    private static Task<HookService> StartAsync(TestEnvironment environment) =>
        HookService.StartAsync(
            environment.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s", "--reconcile-rate", "1000"],
            CancellationToken);
}
