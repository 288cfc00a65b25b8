namespace CapiRegistryHook.Certificates;

/// <summary>Whether a server certificate must be issued anew, and why.</summary>
/// <param name="Reason">The first reason that was found.</param>
/// <param name="Message">A fixed sentence for the reason, without dates, serial numbers or names, fit for a condition or an event.</param>
public sealed record ReissueDecision(ReissueReason Reason, string Message)
{
    /// <summary>Whether to issue anew.</summary>
    public bool Reissue => Reason != ReissueReason.None;

    internal static ReissueDecision For(ReissueReason reason) => new(reason, reason switch
    {
        ReissueReason.None => "The server certificate is as wanted.",
        ReissueReason.Missing => "There is no server certificate yet.",
        ReissueReason.Unreadable => "The server certificate or its private key can't be read.",
        ReissueReason.KeyMismatch => "The private key does not belong to the server certificate.",
        ReissueReason.IssuerChanged => "The server certificate was not issued by the current authority.",
        ReissueReason.NamesChanged => "The server certificate is for other names than wanted.",
        ReissueReason.AlgorithmChanged => "The server certificate has another kind of key than wanted.",
        ReissueReason.Due => "The server certificate is due for renewal.",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "This reason has no sentence."),
    });
}
