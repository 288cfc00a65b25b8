namespace CapiRegistryHook.EndToEnd.Tests.Faults;

/// <summary>
/// Every case of the table: answered in time, in the same words, nothing lost, nothing doubled, and over without a restart.
/// </summary>
[Collection("stage")]
public sealed class FaultCaseTests(RealStage fixture, ITestOutputHelper output)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>One test for all cases, because one process has to live through all of them; each failure names its case.</summary>
    [Fact]
    public async Task Hooks_ThroughEveryFault_AnswerInTimeAndRecoverWithoutARestart()
    {
        var scene = new FaultScene(fixture);
        await using (scene)
        {
            await scene.InitializeAsync();
            foreach (var (fault, index) in FaultCase.All.Select((fault, index) => (fault, index)))
                await PlayAsync(scene, fault, $"f{index}");

            Assert.True(scene.Service.IsRunning);
        }
    }

    private async Task PlayAsync(FaultScene scene, FaultCase fault, string name)
    {
        try
        {
            await scene.EmptyAsync();
            using var capi = scene.Service.CreateClusterApi();
            var cluster = fault.Hook == "BeforeClusterCreate"
                ? await scene.Stage.CreateClusterAsync(name, Cancelled) : await scene.PrepareAsync(capi, name);
            var run = new FaultRun(scene, capi, fault, cluster);
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
