namespace CapiRegistryHook.Hooks.Operations;

/// <summary>
/// Counts the calls of one hook: how they ended and how long they took. Any number of calls at once, no locks; a page that is
/// written meanwhile may lack the newest call, never count one twice.
/// </summary>
internal sealed class CallSeries
{
    /// <summary>Upper bounds in seconds: from what a patch may take to what Cluster API waits at most.</summary>
    public static readonly IReadOnlyList<double> Bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly long[] _outcomes = new long[Enum.GetValues<CallOutcome>().Length];
    private readonly DurationHistogram _durations = new(Bounds);

    /// <summary>Total time of all calls.</summary>
    public TimeSpan Sum => _durations.Sum;

    public void Record(CallOutcome outcome, TimeSpan took)
    {
        Interlocked.Increment(ref _outcomes[(int)outcome]);
        _durations.Record(took);
    }

    public long Count(CallOutcome outcome) => Interlocked.Read(ref _outcomes[(int)outcome]);

    /// <summary>For each bound, and at last for no bound: how many calls took no longer.</summary>
    public IEnumerable<long> CumulativeCounts() => _durations.CumulativeCounts();

    public void WriteDurations(MetricsText text, string hook) => _durations.WriteTo(text, ServiceMetrics.CallDuration, ("hook", hook));
}
