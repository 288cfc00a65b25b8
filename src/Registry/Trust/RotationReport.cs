using CapiRegistryHook.Registry.Outcomes;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>Where a rotation of the root is.</summary>
public enum RotationPhase
{
    /// <summary>One root signs, and no other is trusted.</summary>
    None,

    /// <summary>The next root is made, or on its way into the bundles.</summary>
    Prepare,

    /// <summary>Certificates are issued by the next root, and served with the cross-certificate.</summary>
    Switch,

    /// <summary>The former root signs nothing any more and stays trusted until the nodes that only know it are gone.</summary>
    Drain,
}

/// <summary>The root, after a look at it.</summary>
/// <param name="Phase">None, or how far all clusters together are: Drain is a matter of each cluster.</param>
/// <param name="Generation">How many roots there have been, the current one included; 0 when there is none that can be read.</param>
/// <param name="NotAfter">When the current root ends; null when there is none that can be read.</param>
/// <param name="Changes">What was written, in order.</param>
public sealed record RotationReport(RotationPhase Phase, int Generation, DateTimeOffset? NotAfter, IReadOnlyList<Change> Changes)
{
    /// <summary>What a rotation waits for, as one sentence; null when it waits for nothing.</summary>
    public string? Waits { get; init; }

    /// <summary>Why a rotation that is due can't be done, as one sentence with the remedy; null when nothing is in the way.</summary>
    public string? Problem { get; init; }
}
