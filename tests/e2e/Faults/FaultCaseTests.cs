namespace CapiRegistryHook.EndToEnd.Tests.Faults;

/// <summary>
/// Every case of the table: answered in time, in the same words, nothing lost, nothing doubled, and over without a restart.
/// </summary>
[Collection(OnApiServers.Name)]
public sealed class FaultCaseTests(RealEnvironment real, ITestOutputHelper output)
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>One test for all cases, because one process has to live through all of them; each failure names its case.</summary>
    [Fact]
    public async Task Hooks_ThroughEveryFault_AnswerInTimeAndRecoverWithoutARestart()
    {
        output.WriteLine($"seed {FaultCase.Seed}");
        var fixture = new FaultFixture(real);
        await using (fixture)
        {
            await fixture.InitializeAsync();
            foreach (var (fault, index) in FaultCase.All.Select((fault, index) => (fault, index)))
                await PlayAsync(fixture, fault, $"f{index}");

            Assert.True(fixture.Service.IsRunning);
        }
    }

    private async Task PlayAsync(FaultFixture fixture, FaultCase fault, string name)
    {
        try
        {
            await fixture.EmptyAsync();
            using var capi = fixture.Service.CreateClusterApi();
            var cluster = fault.Hook == "BeforeClusterCreate"
                ? await fixture.Environment.CreateClusterAsync(name, CancellationToken) : await fixture.PrepareAsync(capi, name);
            var run = new FaultRun(fixture, capi, fault, cluster);
            var figures = await run.PlayAsync();
            await run.AssertNothingLostOrDoubledAsync();

            output.WriteLine($"{figures}");
            ReliabilityPage.Put(
                figures.Name, figures.Hook, $"{figures.Answers}", ReliabilityPage.Seconds(figures.Worst), figures.Sentence,
                ReliabilityPage.Seconds(figures.Recovered));
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw new InvalidOperationException($"In the case \"{fault.Name}\": {exception.Message}", exception);
        }
    }
}
