using CapiRegistryHook.Hooks.Contract;

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
    private readonly long[] _buckets = new long[Bounds.Count + 1];
    private long _ticks;

    /// <summary>Total time of all calls.</summary>
    public TimeSpan Sum => TimeSpan.FromTicks(Interlocked.Read(ref _ticks));

    public void Record(CallOutcome outcome, TimeSpan took)
    {
        Interlocked.Increment(ref _outcomes[(int)outcome]);
        Interlocked.Increment(ref _buckets[BucketOf(took.TotalSeconds)]);
        Interlocked.Add(ref _ticks, took.Ticks);
    }

    public long Count(CallOutcome outcome) => Interlocked.Read(ref _outcomes[(int)outcome]);

    /// <summary>For each bound, and at last for no bound: how many calls took no longer.</summary>
    public IEnumerable<long> CumulativeCounts()
    {
        var sum = 0L;
        for (var bucket = 0; bucket < _buckets.Length; bucket++)
            yield return sum += Interlocked.Read(ref _buckets[bucket]);
    }

    private static int BucketOf(double seconds)
    {
        var bucket = 0;
        while (bucket < Bounds.Count && seconds > Bounds[bucket])
            bucket++;
        return bucket;
    }
}
