using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Unit.Tests.Cli.Output;

public sealed class ProgressDisplayTests : IDisposable
{
    private readonly TickingTime _time = new();
    private readonly StringWriter _written = new();

    [Fact]
    public void Plain_Tick_WritesALineForWhatChanged()
    {
        using var display = new ProgressDisplay(_written, width: null, _time);
        var first = display.Add("lab/one");
        display.Add("lab/two");

        first.Report(new TransferProgress(2, 1, 100, 40, 0));
        _time.Tick();
        _time.Tick();
        first.Report(new TransferProgress(2, 2, 100, 100, 0));
        first.Finish();
        _time.Tick();

        Assert.Equal("lab/one: 1/2 blobs, 40 B of 100 B\n", _written.ToString());
    }

    [Fact]
    public void Terminal_Tick_RedrawsInPlace()
    {
        using var display = new ProgressDisplay(_written, () => 80, _time);
        display.Add("one").Report(new TransferProgress(1, 0, 100, 50, 0));

        _time.Tick();
        display.WriteLine("a notice");

        const string Bar = "one  50%  0/1 blobs, 50 B of 100 B\e[K\n\e[J";
        Assert.Equal($"{Bar}\e[1A\r\e[Ja notice\n{Bar}", _written.ToString());
    }

    [Fact]
    public void Terminal_ManyTransfers_ShowsTen()
    {
        using var display = new ProgressDisplay(_written, () => 80, _time);
        for (var number = 0; number < 25; number++)
            display.Add($"cluster-{number}");

        _time.Tick();

        Assert.Equal(11, _written.ToString().Count(character => character == '\n'));
        Assert.Contains("... and 15 more", _written.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Terminal_Disposed_LeavesNoBar()
    {
        var display = new ProgressDisplay(_written, () => 80, _time);
        display.Add("one");
        _time.Tick();
        display.Dispose();

        Assert.EndsWith("\e[1A\r\e[J", _written.ToString(), StringComparison.Ordinal);
    }

    public void Dispose() => _written.Dispose();

    /// <summary>A clock that stands still, whose timers fire when they are told to.</summary>
    private sealed class TickingTime : TimeProvider
    {
        private readonly List<(TimerCallback Callback, object? State)> _timers = [];

        public override long GetTimestamp() => 0;

        public void Tick()
        {
            foreach (var (callback, state) in _timers)
                callback(state);
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _timers.Add((callback, state));
            return new Timer();
        }

        private sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
