using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Cli.Output;

/// <summary>
/// Shows running transfers on standard error: bars on a terminal, a plain line every 10 seconds elsewhere. While it is shown, other lines
/// for
/// standard error go through <see cref="WriteLine"/>. It may be called from several threads.
/// </summary>
internal sealed class ProgressDisplay : IDisposable
{
    private const int MostBars = 10;
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly List<Transfer> _transfers = [];
    private readonly TextWriter _writer;
    private readonly Func<int>? _width;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly ITimer _timer;
    private int _drawn;

    /// <summary>A display.</summary>
    /// <param name="writer">Where it is shown.</param>
    /// <param name="width">The columns of the terminal; null for plain lines.</param>
    /// <param name="time">The clock.</param>
    public ProgressDisplay(TextWriter writer, Func<int>? width, TimeProvider time)
    {
        (_writer, _width, _time, _start) = (writer, width, time, time.GetTimestamp());
        var interval = width is null ? LineInterval : BarInterval;
        _timer = time.CreateTimer(_ => Refresh(), state: null, interval, interval);
    }

    /// <summary>A display on standard error, by what that is.</summary>
    public static ProgressDisplay Start(TimeProvider time)
    {
        var isTerminal = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";
        return new ProgressDisplay(Console.Error, isTerminal ? TerminalWidth : null, time);
    }

    /// <summary>Shows one more transfer, until it is finished.</summary>
    /// <param name="label">What it is called.</param>
    public Transfer Add(string label)
    {
        var transfer = new Transfer(this, TextTable.Printable(label));
        lock (_gate)
            _transfers.Add(transfer);
        return transfer;
    }

    /// <summary>Writes a line above the bars.</summary>
    public void WriteLine(string line)
    {
        lock (_gate)
        {
            Erase();
            _writer.Write(TextTable.Printable(line) + "\n");
            Draw();
        }
    }

    /// <summary>Ends the display; what was written stays, bars vanish.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        lock (_gate)
        {
            _transfers.Clear();
            Erase();
            _writer.Flush();
        }
    }

    private static int TerminalWidth()
    {
        const int Usual = 80;
        try
        {
            return Console.WindowWidth is var width and > 0 ? width : Usual;
        }
        catch (IOException)
        {
            return Usual;
        }
    }

    private void Refresh()
    {
        lock (_gate)
        {
            foreach (var transfer in _transfers)
                transfer.Sample(_time.GetElapsedTime(_start));
            if (_width is null)
                WriteLines();
            else
                Draw();
            _writer.Flush();
        }
    }

    private void WriteLines()
    {
        foreach (var transfer in _transfers.Where(transfer => transfer.HasChanged()))
            _writer.Write(TransferText.Line(transfer.Label, transfer.Progress, transfer.Rate) + "\n");
    }

    // Each line is rewritten in place; erasing all of them first would flicker.
    private void Draw()
    {
        if (_width is null || _transfers.Count + _drawn == 0)
            return;
        var lines = _transfers.Take(MostBars)
            .Select(transfer => TransferText.Bar(transfer.Label, transfer.Progress, transfer.Rate, _width())).ToList();
        if (_transfers.Count > MostBars)
            lines.Add($"... and {_transfers.Count - MostBars} more");
        _writer.Write($"{Up()}{string.Concat(lines.Select(line => $"{line}\e[K\n"))}\e[J");
        _drawn = lines.Count;
    }

    private void Erase()
    {
        if (_drawn > 0)
            _writer.Write($"{Up()}\e[J");
        _drawn = 0;
    }

    private string Up() => _drawn > 0 ? $"\e[{_drawn}A\r" : "";

    private void Finish(Transfer transfer)
    {
        lock (_gate)
            _transfers.Remove(transfer);
    }

    /// <summary>A transfer that is shown.</summary>
    internal sealed class Transfer(ProgressDisplay display, string label) : IProgress<TransferProgress>
    {
        private readonly Lock _gate = new();
        private TransferProgress _progress;
        private TransferProgress _written;

        public string Label => label;

        public TransferRate Rate { get; } = new();

        public TransferProgress Progress
        {
            get
            {
                lock (_gate)
                    return _progress;
            }
        }

        public void Report(TransferProgress value)
        {
            lock (_gate)
                _progress = value;
        }

        /// <summary>Shows the transfer no more.</summary>
        public void Finish() => display.Finish(this);

        internal void Sample(TimeSpan at) => Rate.Sample(at, Progress.BytesSent);

        internal bool HasChanged()
        {
            var now = Progress;
            var changed = now != _written;
            _written = now;
            return changed;
        }
    }
}
