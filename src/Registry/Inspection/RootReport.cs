using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Inspection;

/// <summary>What a root does.</summary>
public enum RootRole
{
    /// <summary>It signs new certificates.</summary>
    Signing,

    /// <summary>It takes the place of the signing root in the rotation that is in progress.</summary>
    Next,

    /// <summary>It signs no more; there are clusters whose nodes trust it.</summary>
    Former,
}

/// <summary>A root that signs, or that nodes trust.</summary>
/// <param name="Id">The first 16 hex digits of the SHA-256 of its certificate.</param>
/// <param name="Role">What it does.</param>
/// <param name="NotBefore">Its first second.</param>
/// <param name="NotAfter">Its last second.</param>
public sealed record RootReport(string Id, RootRole Role, DateTimeOffset NotBefore, DateTimeOffset NotAfter)
{
    /// <summary>Counted from 1; null for a former root, whose Secret is gone.</summary>
    public int? Generation { get; init; }

    /// <summary>When the service rotates it without being asked; null when it does not sign, or when others manage it.</summary>
    public DateTimeOffset? RotatesAt { get; init; }

    /// <summary>Whether its key may have leaked.</summary>
    public bool IsCompromised { get; init; }
}

/// <summary>The roots, and which of them the nodes of each cluster trust.</summary>
/// <param name="Roots">By their first second.</param>
/// <param name="Trusted">Since when each root is in the bundle of a cluster, by its id; clusters without a bundle are missing.</param>
public sealed record RootOverview(
    IReadOnlyList<RootReport> Roots, IReadOnlyDictionary<ClusterKey, IReadOnlyDictionary<string, DateTimeOffset>> Trusted);
