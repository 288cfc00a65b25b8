using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// Many callers at once and sudden deaths, on real API servers: there is one root, and every state leads to the same end.
/// </summary>
[Collection("stage")]
public sealed class RobustnessTests(RealStage fixture, ITestOutputHelper output)
{
    private const string Version = "1.13.4";
    private const int Processes = 4;
    private const int Calls = 32;
    private const int Deaths = 50;

    private static readonly string[] Hooks = ["BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task BeforeClusterCreate_ManyProcessesAtOnce_LeaveOneRoot()
    {
        var stage = await fixture.EmptyAsync(Cancelled);
        var clusters = await Task.WhenAll(Enumerable.Range(0, Calls).Select(index => stage.CreateClusterAsync($"c{index}", Cancelled)));
        var services = await Task.WhenAll(
            Enumerable.Range(0, Processes).Select(_ => HookService.StartAsync(stage.Management.Kubeconfig, [], Cancelled)));
        var callers = services.Select(service => service.CreateClusterApi()).ToList();
        try
        {
            var answers = await Task.WhenAll(clusters.Select((cluster, index) =>
                callers[index % Processes].CallAsync(Version, "BeforeClusterCreate", cluster, Cancelled)));

            Assert.All(answers, answer => Assert.Equal(("Success", 0), (answer.Status, answer.RetryAfterSeconds)));
            Assert.Single(await stage.ManagementObjects.ListAsync(AdminClient.Secrets(HookService.Namespace), Cancelled),
                secret => (string?)secret["type"] == "kubernetes.io/tls");
            foreach (var cluster in clusters)
            {
                var state = await RegistryState.ReadAsync(stage, cluster, Cancelled);
                Assert.Equal(RegistryState.Text(state.Root!, "tls.crt"), RegistryState.Text(state.Trust!, "ca.crt"));
            }

            await Readiness.UntilAsync("the log of the creation", () => Task.FromResult(services.Any(HasMadeTheRoot)), () => "", Cancelled);
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
        var stage = await fixture.EmptyAsync(Cancelled);
        var cluster = await stage.CreateClusterAsync("c1", Cancelled);
        await using var service = await HookService.StartAsync(stage.Management.Kubeconfig, [], Cancelled);
        using var caller = service.CreateClusterApi();

        var answers =
            await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => caller.CallAsync(Version, "BeforeClusterCreate", cluster, Cancelled)));

        Assert.All(answers, answer => Assert.Equal(("Success", 0), (answer.Status, answer.RetryAfterSeconds)));
    }

    [Fact]
    public async Task EveryHook_KilledAtAnyMoment_EndsInTheUndisturbedState()
    {
        var stage = await fixture.EmptyAsync(Cancelled);
        var (expected, undisturbed) = await UndisturbedAsync(stage);
        var seed = Environment.TickCount;
        var random = new Random(seed);
        output.WriteLine($"seed {seed}, undisturbed run {undisturbed.TotalMilliseconds:F0} ms");

        var interrupted = 0;
        for (var death = 0; death < Deaths; death++)
        {
            await stage.ClearAsync(Cancelled);
            var cluster = await NewClusterAsync(stage, $"c{death}");
            interrupted += await KillDuringAsync(stage, cluster, undisturbed * random.NextDouble()) ? 1 : 0;

            await using var service = await HookService.StartAsync(stage.Management.Kubeconfig, [], Cancelled);
            await PlayAsync(service, cluster);

            var state = await RegistryState.ReadAsync(stage, cluster, Cancelled);
            Assert.Equal(expected, state.Describe(cluster));
            Assert.Equal(state.Serial, state.ChartSerial);
        }

        output.WriteLine($"{interrupted} of {Deaths} runs were cut short");
        Assert.True(interrupted >= Deaths / 4, $"Only {interrupted} of {Deaths} runs were cut short: the test proves too little.");
    }

    private static bool HasMadeTheRoot(HookService service) =>
        service.Log.Contains("\"Verb\":\"Created\",\"Kind\":\"Secret\"", StringComparison.Ordinal)
        && service.Log.Contains("There was no root CA.", StringComparison.Ordinal);

    private static async Task<(string State, TimeSpan Took)> UndisturbedAsync(Stage stage)
    {
        await using var service = await HookService.StartAsync(stage.Management.Kubeconfig, [], Cancelled);
        await PlayAsync(service, await NewClusterAsync(stage, "warm"));
        await stage.ClearAsync(Cancelled);
        var cluster = await NewClusterAsync(stage, "calm");
        await using var fresh = await HookService.StartAsync(stage.Management.Kubeconfig, [], Cancelled);
        var started = TimeProvider.System.GetTimestamp();
        await PlayAsync(fresh, cluster);
        var took = TimeProvider.System.GetElapsedTime(started);
        return ((await RegistryState.ReadAsync(stage, cluster, Cancelled)).Describe(cluster), took);
    }

    private static async Task<TestCluster> NewClusterAsync(Stage stage, string name)
    {
        var cluster = await stage.CreateClusterAsync(name, Cancelled);
        await stage.GiveKubeconfigAsync(cluster, Cancelled);
        return cluster;
    }

    private static async Task PlayAsync(HookService service, TestCluster cluster)
    {
        using var caller = service.CreateClusterApi();
        foreach (var hook in Hooks)
        {
            var answer = await caller.CallAsync(Version, hook, cluster, Cancelled);
            Assert.True(answer.Status == "Success" && answer.RetryAfterSeconds is null or 0, answer.Text);
        }
    }

    /// <summary>True when the service died before it had answered everything.</summary>
    private static async Task<bool> KillDuringAsync(Stage stage, TestCluster cluster, TimeSpan after)
    {
        var service = await HookService.StartAsync(stage.Management.Kubeconfig, [], Cancelled);
        var play = PlayAsync(service, cluster);
        await Task.Delay(after, TimeProvider.System, Cancelled);
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
