using CapiRegistryHook.Cli.Commands;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Cli.Commands;

/// <summary>What --watch prints over time.</summary>
public sealed class StatusWatchTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly StringWriter _output = new() { NewLine = "\n" };
    private readonly StringWriter _errors = new() { NewLine = "\n" };
    private readonly CancellationTokenSource _stop = new();

    public void Dispose()
    {
        _output.Dispose();
        _errors.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task Run_TextChanges_IsPrintedWhenItDoes()
    {
        await RunAsync(isTerminal: false, "one\n", "one\n", "two\n", null);

        Assert.Equal("one\n\ntwo\n\nThe Cluster is not there.\n", _output.ToString());
    }

    [Fact]
    public async Task Run_OnATerminal_ReplacesWhatIsThere()
    {
        await RunAsync(isTerminal: true, "one\n", "two\n");

        Assert.Equal("\u001b[H\u001b[2Jone\n\u001b[H\u001b[2Jtwo\n", _output.ToString());
    }

    [Fact]
    public async Task Run_ManagementClusterIsAwayForAWhile_GoesOn()
    {
        await RunAsync(isTerminal: false, "one\n", "fault", "two\n");

        Assert.Equal(("one\n\ntwo\n", "It can't be read.\n"), (_output.ToString(), _errors.ToString()));
    }

    private async Task RunAsync(bool isTerminal, params string?[] texts)
    {
        var reads = 0;
        var run = new StatusWatch(_output, _errors, isTerminal, _time).RunAsync(_ =>
        {
            var text = texts[reads++];
            return text == "fault"
                ? Task.FromException<string?>(new FleetStatusException("It can't be read.", new IOException())) : Task.FromResult(text);
        }, _stop.Token);
        for (var round = 1; round <= texts.Length; round++)
        {
            await _time.TimerAsync(delay => delay == StatusWatch.Interval);
            if (round < texts.Length)
                _time.Advance(StatusWatch.Interval);
        }

        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TimeSpan.FromSeconds(20)));
    }
}
