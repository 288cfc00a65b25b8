namespace CapiRegistryHook.Hooks.Operations;

/// <summary>Counts callers that were not let to a hook. No locks; labels from a fixed list.</summary>
internal sealed class RefusedCallers : IMetricsSource
{
    private readonly long[] _counts = new long[Enum.GetValues<RefusedReason>().Length];

    public void Add(RefusedReason reason) => Interlocked.Increment(ref _counts[(int)reason]);

    public void WriteTo(MetricsText text)
    {
        const string Name = "capi_registry_hook_refused_callers_total";
        text.Family(Name, "counter", "Requests that were refused for their caller's client certificate, by reason.");
        foreach (var reason in Enum.GetValues<RefusedReason>())
            text.Sample(Name, Interlocked.Read(ref _counts[(int)reason]), ("reason", LabelOf(reason)));
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
