using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Faults;

/// <summary>Plays one case: break, call twice, mend, call until the work is done.</summary>
internal sealed class FaultRun(FaultFixture fixture, ClusterApi capi, FaultCase fault, TestCluster cluster)
{
    public const string Version = "1.13.4";

    /// <summary>Cluster API waits 10 s; an answer is on its way before 8 s.</summary>
    public static readonly TimeSpan AnswerBound = TimeSpan.FromSeconds(9);

    private TimeSpan _worst;
    private int _answers;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async Task<FaultFigures> PlayAsync()
    {
        await fault.Begin(fixture, cluster);
        HookAnswer first, second;
        try
        {
            first = await CallAsync();
            second = await CallAsync();
            if (fault.IsOvercome)
                await UntilDoneAsync();
        }
        finally
        {
            fixture.Management.Mend();
            fixture.Workload.Mend();
            await fault.End(fixture, cluster);
        }

        var mended = TimeProvider.System.GetTimestamp();
        await UntilDoneAsync();
        var recovered = TimeProvider.System.GetElapsedTime(mended);

        if (!fault.IsOvercome)
            Assert.Equal(first.Text, second.Text);
        return new FaultFigures(fault.Name, fault.Hook, _answers, _worst, IsDone(first) ? "none" : first.Message!, recovered);
    }

    /// <summary>Everything is there once and fits together, and nothing that opens a door is in the log.</summary>
    public async Task AssertNothingLostOrDoubledAsync()
    {
        var state = await RegistryState.ReadAsync(fixture.Environment, cluster, CancellationToken);
        Assert.Single(await fixture.Environment.ManagementObjects.ListAsync(AdminClient.Secrets(HookService.Namespace), CancellationToken),
            secret => (string?)secret["type"] == "kubernetes.io/tls");
        Assert.Contains(
            RegistryState.Text(state.Root!, "tls.crt").Trim(), RegistryState.Text(state.Trust!, "ca.crt"), StringComparison.Ordinal);
        if (fault.Hook != "BeforeClusterCreate")
        {
            Assert.Single(await fixture.Environment.WorkloadObjects.ListAsync(AdminClient.Secrets("registry-system"), CancellationToken),
                secret => (string?)secret["type"] == "kubernetes.io/tls");
            Assert.Single(
                await fixture.Environment.ManagementObjects.ListAsync(AdminClient.ChartProxies(cluster.Namespace), CancellationToken));
            Assert.Equal(state.Serial, state.ChartSerial);
            Assert.True(state.Verifies("10.128.0.20"));
        }

        Secrecy.AssertNoSecretIn(fixture.Service.Log, fixture.Environment);
        Assert.DoesNotContain("Unexpected fault", fixture.Service.Log, StringComparison.Ordinal);
    }

    private async Task UntilDoneAsync() => await Polling.UntilAsync($"the work after: {fault.Name}",
        async () => IsDone(await CallAsync()) && await IsThereAsync(),
        () => fixture.Service.Log[^Math.Min(fixture.Service.Log.Length, 2000)..], CancellationToken);

    private async Task<HookAnswer> CallAsync()
    {
        var answer = await capi.CallAsync(Version, fault.Hook, cluster, CancellationToken);
        _answers++;
        _worst = answer.Took > _worst ? answer.Took : _worst;
        Assert.Equal(200, answer.StatusCode);
        Assert.True(answer.Status is "Success" or "Failure", answer.Text);
        Assert.True(answer.Took < AnswerBound, $"{answer.Took} for {answer.Text}");
        return answer;
    }

    private async Task<bool> IsThereAsync()
    {
        var state = await RegistryState.ReadAsync(fixture.Environment, cluster, CancellationToken);
        return fault.Hook == "BeforeClusterCreate"
            ? state.Trust is not null : state.Certificate is not null && state.ChartProxy is not null && state.Serial == state.ChartSerial;
    }

    private static bool IsDone(HookAnswer answer) => answer.Status == "Success" && answer.RetryAfterSeconds is null or 0;
}

/// <summary>What a case looked like from outside.</summary>
/// <param name="Name">The case.</param>
/// <param name="Hook">The hook that was called.</param>
/// <param name="Answers">How many calls were answered; all were.</param>
/// <param name="Worst">The slowest answer.</param>
/// <param name="Sentence">What the answers said meanwhile.</param>
/// <param name="Recovered">From the end of the fault to the end of the work.</param>
internal sealed record FaultFigures(string Name, string Hook, int Answers, TimeSpan Worst, string Sentence, TimeSpan Recovered);
