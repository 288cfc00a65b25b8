using CapiRegistryHook.Registry.Outcomes;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>What became of the former roots in a cluster's bundle.</summary>
internal abstract record RetireResult
{
    private RetireResult()
    {
    }

    /// <summary>There are none.</summary>
    public sealed record Nothing : RetireResult;

    /// <summary>They are dropped.</summary>
    public sealed record Retired(Change Change) : RetireResult;

    /// <summary>They stay, or a compromised one that was dropped still lies on nodes.</summary>
    /// <param name="Reason">A fixed sentence for the same state.</param>
    /// <param name="Count">How many Machines and MachinePools stand in the way.</param>
    /// <param name="Oldest">The oldest of them, with its kind; null when something else does.</param>
    /// <param name="Change">A compromised root was dropped in this pass.</param>
    public sealed record Waits(string Reason, int Count, string? Oldest, Change? Change = null) : RetireResult;
}
