namespace CapiRegistryHook.Certificates;

/// <summary>Why a server certificate must be reissued, in the order in which <see cref="ReissuePolicy"/> checks.</summary>
public enum ReissueReason
{
    /// <summary>The certificate stays.</summary>
    None,

    /// <summary>There is no certificate or no key yet.</summary>
    Missing,

    /// <summary>The certificate or the key can't be read, or the key is of an unsupported kind.</summary>
    Unreadable,

    /// <summary>The key belongs to another certificate.</summary>
    KeyMismatch,

    /// <summary>Another key signed it, or the intermediates served with it are not the authority's.</summary>
    IssuerChanged,

    /// <summary>Its key is of another kind than wanted.</summary>
    AlgorithmChanged,

    /// <summary>It is valid for other names or addresses than wanted.</summary>
    NamesChanged,

    /// <summary>A renewal was requested ahead of time; see <see cref="ReissueInput.Request"/>.</summary>
    Requested,

    /// <summary>Its renewal time has passed; see <see cref="ReissueInput.RenewalTime"/>.</summary>
    Due,
}

/// <summary>Whether a server certificate must be reissued, and why.</summary>
/// <param name="Reason">The first check that failed; None when all passed.</param>
/// <param name="Message">One sentence, the same for the same reason, without dates, serial numbers or names.</param>
public sealed record ReissueDecision(ReissueReason Reason, string Message)
{
    /// <summary>Whether to reissue.</summary>
    public bool Reissue => Reason != ReissueReason.None;
}
