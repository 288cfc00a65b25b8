using CapiRegistryHook.Registry.Outcomes;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>The phase of a rotation of the root.</summary>
public enum RotationPhase
{
    /// <summary>One root signs, and no other is trusted.</summary>
    None,

    /// <summary>The next root has been created and is being added to the bundles.</summary>
    Prepare,

    /// <summary>Certificates are issued by the next root, and served with the cross-certificate.</summary>
    Switch,

    /// <summary>The former root no longer signs. It stays trusted until the nodes that trust only it are gone.</summary>
    Drain,
}

/// <summary>The state of the root after a reconcile.</summary>
/// <param name="Phase">None, Prepare or Switch; Drain is a phase of each cluster.</param>
/// <param name="Generation">How many roots there have been, the current one included; 0 when there is none that can be read.</param>
/// <param name="NotAfter">When the current root expires; null when there is none that can be read.</param>
/// <param name="Changes">What was written, in order.</param>
public sealed record RotationReport(RotationPhase Phase, int Generation, DateTimeOffset? NotAfter, IReadOnlyList<Change> Changes)
{
    /// <summary>What a rotation waits for, as one sentence; null when it waits for nothing.</summary>
    public string? Waits { get; init; }

    /// <summary>Why a rotation that is due can't continue, as one sentence with the remedy; null when it can.</summary>
    public string? Problem { get; init; }
}
