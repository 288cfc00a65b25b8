using System.Globalization;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Faults;

/// <summary>The short form of the load that <c>make benchmark</c> measures for a minute. LOAD_SECONDS lengthens it.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class LoadTests(EmbeddedEnvironment fixture, ITestOutputHelper output)
{
    private const int Callers = 200;
    private const double MiB = 1024 * 1024;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(
        int.TryParse(Environment.GetEnvironmentVariable("LOAD_SECONDS"), out var seconds) ? seconds : 12);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AllHooks_TwoHundredCallersAtOnce_NoErrorInTimeAndMemoryStays()
    {
        var environment = await fixture.EmptyAsync(CancellationToken);
        await using var service = await HookService.StartAsync(environment.Management.Kubeconfig, [], CancellationToken);

        var load = await LoadRun.PlayAsync(environment, service, Callers, WarmUp, Duration, CancellationToken);

        output.WriteLine(
            $"{load.Milliseconds.Count} calls in {load.Took}, p50 {load.At(0.5):F0} ms, p99 {load.At(0.99):F0} ms, memory "
                + $"{load.BytesBefore / MiB:F0} -> {load.BytesAfter / MiB:F0} MiB");
        Assert.True(load.Problems.Count == 0, string.Join('\n', load.Problems.Take(5)));
        Assert.True(load.At(0.99) < FaultRun.AnswerBound.TotalMilliseconds, $"{load.At(0.99)} ms");
        // Where the collector stands when counting begins and ends is chance; a leak would go on for as long as calls come.
        Assert.True(load.BytesAfter < load.BytesBefore * 2, $"{load.BytesBefore / MiB:F0} -> {load.BytesAfter / MiB:F0} MiB");
        // What the chart gives the container.
        Assert.True(load.BytesAfter < 256 * MiB, $"{load.BytesAfter / MiB:F0} MiB");
        ReliabilityPage.Put(
            "all hooks mixed", $"{Callers}", Text($"{load.Took.TotalSeconds:F0} s"), Text($"{load.Milliseconds.Count}"), "0",
            Text($"{load.At(0.5):F0} ms"), Text($"{load.At(0.99):F0} ms"), Text($"{load.BytesBefore / MiB:F0} MiB"),
            Text($"{load.BytesAfter / MiB:F0} MiB"));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
