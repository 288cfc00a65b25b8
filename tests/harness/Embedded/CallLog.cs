namespace CapiRegistryHook.Harness.Embedded;

/// <summary>The calls answered so far, in order.</summary>
/// <param name="keep">False to count them only: a simulation makes more than fit into memory.</param>
internal sealed class CallLog(bool keep = true)
{
    private readonly Lock _gate = new();
    private readonly List<RecordedCall> _calls = [];
    private long _count;

    public long Count => Interlocked.Read(ref _count);

    public void Add(RecordedCall call)
    {
        Interlocked.Increment(ref _count);
        if (!keep) return;
        lock (_gate) _calls.Add(call);
    }

    public void Clear()
    {
        lock (_gate) _calls.Clear();
    }

    public IReadOnlyList<RecordedCall> Snapshot()
    {
        lock (_gate) return [.. _calls];
    }
}

/// <summary>The fault rules in force. The first that names a fault wins.</summary>
internal sealed class FaultRules
{
    private readonly Lock _gate = new();
    private readonly List<Func<RecordedRequest, Fault?>> _rules = [];

    public void Add(Func<RecordedRequest, Fault?> rule)
    {
        lock (_gate) _rules.Add(rule);
    }

    public void Clear()
    {
        lock (_gate) _rules.Clear();
    }

    // One call at a time, so that a rule that counts ("the first two fail") needs no lock of its own.
    public Fault? Find(RecordedRequest request)
    {
        lock (_gate)
        {
            foreach (var rule in _rules)
                if (rule(request) is { } fault) return fault;
            return null;
        }
    }
}
