namespace CapiRegistryHook.Hooks.Operations;

/// <summary>Counts callers that were not let to a hook. No locks; labels from a fixed list.</summary>
internal sealed class RefusedCallers : IMetricsSource
{
    private readonly long[] _counts = new long[Enum.GetValues<RefusedReason>().Length];

    public void Add(RefusedReason reason) => Interlocked.Increment(ref _counts[(int)reason]);

    public void WriteTo(MetricsText text)
    {
        text.Family(ServiceMetrics.RefusedCallers);
        foreach (var reason in Enum.GetValues<RefusedReason>())
            text.Sample(ServiceMetrics.RefusedCallers, Interlocked.Read(ref _counts[(int)reason]), LabelOf(reason));
    }

    private static string LabelOf(RefusedReason reason) => reason switch
    {
        RefusedReason.NoCertificate => "no_certificate",
        RefusedReason.Untrusted => "untrusted",
        _ => "name",
    };
}

/// <summary>Why a caller was not let to a hook.</summary>
internal enum RefusedReason
{
    /// <summary>It showed no certificate.</summary>
    NoCertificate,

    /// <summary>Its certificate ended, or its authority was replaced, while it was connected.</summary>
    Untrusted,

    /// <summary>No name in its certificate may call.</summary>
    Name,
}
