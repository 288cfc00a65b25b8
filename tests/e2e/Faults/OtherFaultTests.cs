using System.Text;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.EndToEnd.Tests.Faults;

/// <summary>Faults that need a service of their own: many clusters at once, a token that ends, a disk that is full.</summary>
[Collection(OnApiServers.Name)]
public sealed class OtherFaultTests(RealEnvironment real, ITestOutputHelper output)
{
    private const int Clusters = 50;
    private const string Version = FaultRun.Version;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryHook_FiftyClustersAtOnceAndSlowApiServers_AllAreAnsweredInTimeAndGetTheirRegistry()
    {
        await using var fixture = new FaultFixture(real);
        await fixture.InitializeAsync();
        var clusters =
            await Task.WhenAll(
                Enumerable.Range(0, Clusters).Select(index => fixture.Environment.CreateClusterAsync($"crowd{index}", CancellationToken)));
        await Task.WhenAll(
            clusters.Select(cluster => fixture.Environment.GiveKubeconfigAsync(cluster, fixture.Workload.Kubeconfig, CancellationToken)));
        fixture.Management.Fail(_ => Fault.Delay(Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System)));
        fixture.Workload.Fail(_ => Fault.Delay(Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System)));
        using var capi = fixture.Service.CreateClusterApi();

        var created = await CallAllAsync(capi, "BeforeClusterCreate", clusters);
        var upgraded = await CallAllAsync(capi, "BeforeClusterUpgrade", clusters);

        Assert.Single(await fixture.Environment.ManagementObjects.ListAsync(AdminClient.Secrets(HookService.Namespace), CancellationToken),
            secret => (string?)secret["type"] == "kubernetes.io/tls");
        Assert.Equal(
            Clusters,
            (await fixture.Environment.ManagementObjects.ListAsync(AdminClient.ChartProxies("default"), CancellationToken)).Count);
        output.WriteLine($"{created} {upgraded}");
        ReliabilityPage.Put(
            "50 clusters at once, 50 ms a call", "BeforeClusterCreate, BeforeClusterUpgrade", $"{created.Answers + upgraded.Answers}",
            ReliabilityPage.Seconds(created.Worst > upgraded.Worst ? created.Worst : upgraded.Worst), upgraded.Sentence,
            "all in one pass or the next");
    }

    [Fact]
    public async Task ManagementToken_ExpiresAndIsRenewedInItsFile_IsTakenWithoutARestart()
    {
        var environment = await real.EmptyAsync(CancellationToken);
        await using var folder = ScratchFolder.Create("expired-token-");
        var kubeconfig = environment.Management.Kubeconfig.Replace(
            $"token: '{environment.Management.Token}'", $"tokenFile: '{folder.Write("token", "expired")}'", StringComparison.Ordinal);
        Assert.Contains("tokenFile", kubeconfig, StringComparison.Ordinal);
        await using var service = await HookService.StartAsync(kubeconfig, [], CancellationToken);
        using var capi = service.CreateClusterApi();
        var cluster = await environment.CreateClusterAsync("token", CancellationToken);

        var first = await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken);
        var second = await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken);
        folder.Write("token", environment.Management.Token);
        var third = await capi.CallAsync(Version, "BeforeClusterCreate", cluster, CancellationToken);

        Assert.Equal("The management API server does not accept this service's credentials; renew them.", first.Message);
        Assert.Equal(first.Text, second.Text);
        Assert.Equal(("Success", 0), (third.Status, third.RetryAfterSeconds));
        ReliabilityPage.Put("token of the service expired", "BeforeClusterCreate", "3", ReliabilityPage.Seconds(
            first.Took > second.Took ? first.Took : second.Took), first.Message!, ReliabilityPage.Seconds(third.Took));
    }

    [Fact]
    public async Task Log_DiskFull_HooksAreAnsweredAllTheSame()
    {
        var environment = await real.EmptyAsync(CancellationToken);
        var cluster = await environment.CreateClusterAsync("disk", CancellationToken);
        await environment.GiveKubeconfigAsync(cluster, CancellationToken);
        await using var service = await HookService.StartWithFullDiskAsync(environment.Management.Kubeconfig, CancellationToken);
        using var capi = service.CreateClusterApi();
        var worst = TimeSpan.Zero;

        for (var round = 0; round < 20; round++)
        {
            foreach (var hook in new[] { "BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade" })
            {
                var answer = await capi.CallAsync(Version, hook, cluster, CancellationToken);
                worst = answer.Took > worst ? answer.Took : worst;
                Assert.True(answer.Status == "Success" && answer.RetryAfterSeconds is null or 0, answer.Text);
            }
        }

        Assert.True(service.IsRunning);
        ReliabilityPage.Put(
            "disk of the log full", "all lifecycle hooks", "60", ReliabilityPage.Seconds(worst), "none", "nothing to recover from");
    }

    [Fact]
    public async Task Watch_HistoryCompacted_ListsAnewAndGoesOn()
    {
        await using var fixture = new FaultFixture(real);
        await fixture.InitializeAsync();
        await fixture.Environment.CreateClusterAsync("before", CancellationToken);
        await fixture.Environment.GiveKubeconfigAsync(new TestCluster("before", "default", "u"), "x", CancellationToken);
        var refusals = 0;
        fixture.Management.Fail(
            request => request.Query.ContainsKey("watch") && Interlocked.Increment(ref refusals) <= 2
                ? Fault.Status(410, "Expired") : null);
        using var client = new KubernetesClient(
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(fixture.Management.Kubeconfig), null, TimeProvider.System),
            new KubernetesClientOptions(),
            TimeProvider.System);
        var started = TimeProvider.System.GetTimestamp();
        var resets = 0;

        await foreach (var change in client.WatchAsync(CoreResources.Secrets, new ListOptions { Namespace = "default" }, CancellationToken))
        {
            resets += change.Kind == WatchEventKind.Reset ? 1 : 0;
            if (change.Kind == WatchEventKind.Synced && resets == 3)
                await fixture.Environment.GiveKubeconfigAsync(new TestCluster("after", "default", "u"), "x", CancellationToken);
            if (change.Value?.Metadata?.Name == "after-kubeconfig")
                break;
        }

        Assert.Equal(3, resets);
        ReliabilityPage.Put("history of the API server compacted under a watch (410)", "watch", "3", "not a call", "none",
            ReliabilityPage.Seconds(TimeProvider.System.GetElapsedTime(started)));
    }

    private static async Task<(int Answers, TimeSpan Worst, string Sentence)> CallAllAsync(
        ClusterApi capi, string hook, IReadOnlyList<TestCluster> clusters)
    {
        List<TestCluster> left = [.. clusters];
        var worst = TimeSpan.Zero;
        var answers = 0;
        var sentence = "none";
        await Polling.UntilAsync($"{hook} for all", async () =>
        {
            var round = await Task.WhenAll(left.Select(cluster => capi.CallAsync(Version, hook, cluster, CancellationToken)));
            answers += round.Length;
            Assert.All(round, answer => Assert.True(answer.StatusCode == 200 && answer.Status == "Success"
                && answer.Took < FaultRun.AnswerBound, $"{answer.Took} {answer.Text}"));
            worst = round.Max(answer => answer.Took) is var slowest && slowest > worst ? slowest : worst;
            sentence = round.FirstOrDefault(answer => answer.RetryAfterSeconds > 0)?.Message ?? sentence;
            left = [.. left.Where((_, index) => round[index].RetryAfterSeconds is not (null or 0))];
            return left.Count == 0;
        }, () => sentence, CancellationToken);
        return (answers, worst, sentence);
    }
}
