namespace CapiRegistryHook.Hooks.Operations;

/// <summary>
/// How long something took, in buckets. Any number of threads, no locks; a page that is written meanwhile may lack the newest, never
/// count one twice.
/// </summary>
/// <param name="bounds">Upper bounds in seconds, in rising order.</param>
internal sealed class DurationHistogram(IReadOnlyList<double> bounds)
{
    private readonly long[] _buckets = new long[bounds.Count + 1];
    private long _ticks;

    /// <summary>All durations together.</summary>
    public TimeSpan Sum => TimeSpan.FromTicks(Interlocked.Read(ref _ticks));

    public void Record(TimeSpan took)
    {
        var bucket = 0;
        while (bucket < bounds.Count && took.TotalSeconds > bounds[bucket])
            bucket++;
        Interlocked.Increment(ref _buckets[bucket]);
        Interlocked.Add(ref _ticks, took.Ticks);
    }

    /// <summary>For each bound, and at last for no bound: how many took no longer.</summary>
    public IEnumerable<long> CumulativeCounts()
    {
        var sum = 0L;
        for (var bucket = 0; bucket < _buckets.Length; bucket++)
            yield return sum += Interlocked.Read(ref _buckets[bucket]);
    }

    /// <summary>The samples of the histogram, with these labels.</summary>
    public void WriteTo(MetricsText text, Metric metric, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var name = metric.FullName;
        var count = 0L;
        foreach (var (bound, cumulative) in bounds.Append(double.PositiveInfinity).Zip(CumulativeCounts()))
        {
            count = cumulative;
            text.Sample(name + "_bucket", cumulative, [.. labels, ("le", MetricsText.Number(bound))]);
        }

        text.Sample(name + "_sum", Sum.TotalSeconds, labels);
        text.Sample(name + "_count", count, labels);
    }
}
