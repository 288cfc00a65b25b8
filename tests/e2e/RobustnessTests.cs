using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// Many callers at once and sudden deaths, on real API servers: there is one root, and every state leads to the same end.
/// </summary>
[Collection(OnApiServers.Name)]
public sealed class RobustnessTests(RealEnvironment fixture, ITestOutputHelper output)
{
    private const string Version = "1.13.4";
    private const int Processes = 4;
    private const int Calls = 32;
    private const int Deaths = 50;

    private static readonly string[] Hooks = ["BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade"];

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task BeforeClusterCreate_ManyProcessesAtOnce_LeaveOneRoot()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        var clusters =
            await Task.WhenAll(Enumerable.Range(0, Calls).Select(index => environment.CreateClusterAsync($"c{index}", CancellationToken)));
        var services = await Task.WhenAll(
            Enumerable.Range(0, Processes).Select(_ => HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken)));
        var callers = services.Select(service => service.CreateClusterApi()).ToList();
        try
        {
            var answers = await Task.WhenAll(clusters.Select((cluster, index) =>
                callers[index % Processes].CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken)));

            Assert.All(answers, answer => Assert.Equal(("Success", 0), (answer.Status, answer.RetryAfterSeconds)));
            Assert.Single(await environment.ManagementObjects.ListAsync(AdminClient.Secrets(HookService.Namespace), CancellationToken),
                secret => (string?)secret["type"] == "kubernetes.io/tls");
            foreach (var cluster in clusters)
            {
                var state = await RegistryState.ReadAsync(environment, cluster, CancellationToken);
                Assert.Equal(RegistryState.Text(state.Root!, "tls.crt"), RegistryState.Text(state.Trust!, "ca.crt"));
            }

            await Polling.UntilAsync(
                "the log of the creation", () => Task.FromResult(services.Any(HasMadeTheRoot)), () => "", CancellationToken);
            Assert.Single(services, HasMadeTheRoot);
        }
        finally
        {
            callers.ForEach(caller => caller.Dispose());
            foreach (var service in services)
                await service.DisposeAsync();
        }
    }

    [Fact]
    public async Task BeforeClusterCreate_SameClusterAtOnce_AllSucceed()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        var cluster = await environment.CreateClusterAsync("c1", CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        using var caller = service.CreateClusterApi();

        var answers =
            await Task.WhenAll(
                Enumerable.Range(0, 16).Select(_ => caller.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken)));

        Assert.All(answers, answer => Assert.Equal(("Success", 0), (answer.Status, answer.RetryAfterSeconds)));
    }

    [Fact]
    public async Task EveryHook_KilledAtAnyMoment_EndsInTheUndisturbedState()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        var (expected, undisturbed) = await UndisturbedAsync(environment);
        var seed = TestSeed.From("ROBUSTNESS_SEED");
        var random = new Random(seed);
        output.WriteLine($"seed {seed}, undisturbed run {undisturbed.TotalMilliseconds:F0} ms");

        var interrupted = 0;
        for (var death = 0; death < Deaths; death++)
        {
            await environment.ClearAsync(CancellationToken);
            var cluster = await NewClusterAsync(environment, $"c{death}");
            interrupted += await KillDuringAsync(environment, cluster, undisturbed * random.NextDouble()) ? 1 : 0;

            await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
            await PlayAsync(service, cluster);

            var state = await RegistryState.ReadAsync(environment, cluster, CancellationToken);
            Assert.Equal(expected, state.Describe(cluster));
            Assert.Equal(state.Serial, state.ChartSerial);
        }

        output.WriteLine($"{interrupted} of {Deaths} runs were cut short");
        Assert.True(interrupted >= Deaths / 4, $"Only {interrupted} of {Deaths} runs were cut short: the test proves too little.");
    }

    private static bool HasMadeTheRoot(HookService service) =>
        service.Log.Contains("\"verb\":\"Created\",\"kind\":\"Secret\"", StringComparison.Ordinal)
        && service.Log.Contains("The root CA was missing.", StringComparison.Ordinal);

    private static async Task<(string State, TimeSpan Took)> UndisturbedAsync(TestEnvironment environment)
    {
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        await PlayAsync(service, await NewClusterAsync(environment, "warm"));
        await environment.ClearAsync(CancellationToken);
        var cluster = await NewClusterAsync(environment, "calm");
        await using var fresh = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        var started = TimeProvider.System.GetTimestamp();
        await PlayAsync(fresh, cluster);
        var took = TimeProvider.System.GetElapsedTime(started);
        return ((await RegistryState.ReadAsync(environment, cluster, CancellationToken)).Describe(cluster), took);
    }

    private static async Task<TestCluster> NewClusterAsync(TestEnvironment environment, string name)
    {
        var cluster = await environment.CreateClusterAsync(name, CancellationToken);
        await environment.GiveKubeconfigAsync(cluster, CancellationToken);
        return cluster;
    }

    private static async Task PlayAsync(HookService service, TestCluster cluster)
    {
        using var caller = service.CreateClusterApi();
        foreach (var hook in Hooks)
        {
            var answer = await caller.CallAsync(Version, hook, cluster, CancellationToken);
            Assert.True(answer.Status == "Success" && answer.RetryAfterSeconds is null or 0, answer.Text);
        }
    }

    /// <summary>True when the service died before it had answered everything.</summary>
    private static async Task<bool> KillDuringAsync(TestEnvironment environment, TestCluster cluster, TimeSpan after)
    {
        var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);
        var play = PlayAsync(service, cluster);
        await Task.Delay(after, TimeProvider.System, CancellationToken);
        var wasDone = play.IsCompletedSuccessfully;
        await service.DisposeAsync();
        try
        {
            await play;
        }
        catch (HttpRequestException)
        {
            // The connection went with the process.
        }

        return !wasDone;
    }
}
