using System.Globalization;
using CapiRegistryHook.Benchmarks;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

// Figures of the published service on this machine, each beside what it must keep to. Nothing here is asserted: machines differ.
const string Version = "1.13.4";
const int Calls = 500;
var cancellationToken = CancellationToken.None;
if (args is [FilledClusters.Section, var folder, var count])
{
    await FilledClusters.ServeAsync(folder, int.Parse(count, CultureInfo.InvariantCulture), cancellationToken);
    return 0;
}

if (args is not ([] or ["quick"] or ["fleet"] or ["content"] or ["dashboard"] or ["sync"]))
{
    Console.Error.WriteLine(
        "There is no such section: use quick, fleet, content, dashboard or sync, or none for the service and the fleet.");
    return 2;
}

Console.WriteLine(
    $"{Environment.ProcessorCount} processors, load average {File.ReadAllText("/proc/loadavg").Split(' ')[0]}, .NET {Environment.Version}");
if (args is ["fleet"])
{
    await Fleets.PrintAsync(cancellationToken);
    return 0;
}

if (args is ["dashboard"])
{
    await DashboardPage.PrintAsync(cancellationToken);
    return 0;
}

if (args is ["sync"])
{
    await Syncing.PrintAsync(cancellationToken);
    return 0;
}

if (args is ["content"])
{
    await LargeBlob.PrintAsync(cancellationToken);
    await Tunnels.PrintAsync(cancellationToken);
    return 0;
}

Console.WriteLine(await Processors.PinAsync(cancellationToken));
// As in the image.
Environment.SetEnvironmentVariable("DOTNET_GCgen0size", "0x800000");
await using var environment =
    await TestEnvironment.StartAsync(async name => await EmbeddedApiServer.StartAsync(name, cancellationToken), cancellationToken);
var management = (EmbeddedApiServer)environment.Management;
var workload = (EmbeddedApiServer)environment.Workload;

await Starting.PrintAsync(environment, cancellationToken);
await Patching.PrintAsync(environment, cancellationToken);
await using var subject = await HookService.StartAsync(management.Kubeconfig, [], cancellationToken, Processors.OfService);
using var caller = subject.CreateClusterApi();
var cluster = await environment.CreateClusterAsync("bench", cancellationToken);
await environment.GiveKubeconfigAsync(cluster, cancellationToken);
foreach (var (hook, target, calls) in new[] { ("BeforeClusterCreate", "p99 <= 50", "<= 3"),
    ("AfterControlPlaneInitialized", "<= 1000", "<= 10"), ("BeforeClusterUpgrade", "<= 1000", "<= 10") })
{
    ClearCalls();
    var first = await caller.CallAsync(Version, hook, cluster, cancellationToken);
    var firstCalls = CountCalls();
    var times = new List<double>();
    ClearCalls();
    for (var call = 0; call < Calls; call++)
        times.Add((await caller.CallAsync(Version, hook, cluster, cancellationToken)).Took.TotalMilliseconds);
    Figures.Print($"{hook}, first call ({firstCalls} API calls, must be <= 10)", "ms", [first.Took.TotalMilliseconds], "<= 1000");
    Figures.Print(
        $"{hook}, nothing to do ({(CountCalls() / (double)Calls).ToString("F0", CultureInfo.InvariantCulture)} API calls, must be {calls})",
        "ms", times, target);
}

await Loading.PrintAsync(environment, cancellationToken);
Figures.Print($"CPU of issuing {Issuing.Certificates} ECDSA P-256 certificates", "s", Issuing.Measure(TimeProvider.System), "<= 2");
if (args is not ["quick"])
{
    await Processors.ReleaseAsync(cancellationToken);
    await Fleets.PrintAsync(cancellationToken);
}

return 0;

void ClearCalls()
{
    management.ClearCalls();
    workload.ClearCalls();
}

int CountCalls() => management.Calls.Count + workload.Calls.Count;
