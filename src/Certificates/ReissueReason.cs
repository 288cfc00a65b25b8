namespace CapiRegistryHook.Certificates;

/// <summary>Why a server certificate must be issued anew, in the order in which it is looked for.</summary>
public enum ReissueReason
{
    /// <summary>It need not: the certificate is as wanted.</summary>
    None,

    /// <summary>There is no certificate or no key yet.</summary>
    Missing,

    /// <summary>The certificate or the key can't be read, or its key is of an unsupported kind.</summary>
    Unreadable,

    /// <summary>The key belongs to another certificate.</summary>
    KeyMismatch,

    /// <summary>The authority's key did not sign it, or the intermediates served with it are not the authority's.</summary>
    IssuerChanged,

    /// <summary>It is valid for other names or addresses than wanted.</summary>
    NamesChanged,

    /// <summary>Its key is of another kind than wanted.</summary>
    AlgorithmChanged,

    /// <summary>Its time has come; see <see cref="ReissuePolicy.RenewalTime"/>.</summary>
    Due,
}
