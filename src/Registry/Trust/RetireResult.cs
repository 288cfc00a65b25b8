using CapiRegistryHook.Registry.Outcomes;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>The result of retiring the former roots in a cluster's bundle.</summary>
internal abstract record RetireResult
{
    private RetireResult()
    {
    }

    /// <summary>There was none to retire.</summary>
    public sealed record Nothing : RetireResult;

    /// <summary>They were removed.</summary>
    public sealed record Retired(Change Change) : RetireResult;

    /// <summary>They stay, or nodes still trust a compromised one that was removed.</summary>
    /// <param name="Reason">One sentence, the same for the same state.</param>
    /// <param name="Count">How many Machines and MachinePools stand in the way.</param>
    /// <param name="Oldest">The oldest of them, with its kind; null when they do not stand in the way.</param>
    /// <param name="Change">The removal of a compromised root in this reconcile.</param>
    public sealed record Waits(string Reason, int Count, string? Oldest, Change? Change = null) : RetireResult;
}
