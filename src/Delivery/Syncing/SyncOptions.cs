using System.Net;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>How registries are kept in sync with what is declared.</summary>
public sealed record SyncOptions
{
    /// <summary>
    /// Clusters that are worked on at once, 1 to 64. At most half of these workers fill registries or try again what failed, so that
    /// checks go on; a registry that fills for longer than a few minutes no longer counts.
    /// </summary>
    public int Workers { get; init; } = 8;

    /// <summary>Blobs that are sent to one registry at once, 1 to 16. Each holds 1 MiB.</summary>
    public int Streams { get; init; } = 2;

    /// <summary>
    /// How often a registry is asked whether it still holds its content, and a source what its tags stand for; 1 s to 24 h.
    /// </summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How often every blob of a registry is looked for, 1 hour to 30 days; zero is never.</summary>
    public TimeSpan Verify { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Bytes per second to one registry; 0 for no limit.</summary>
    public long ClusterBandwidth { get; init; }

    /// <summary>Bytes per second to all registries together; 0 for no limit.</summary>
    public long TotalBandwidth { get; init; }

    /// <summary>The folder with a folder of bundles for each namespace; null for none.</summary>
    public string? Bundles { get; init; }

    /// <summary>Blocks of addresses where sources may lie although they are loopback, link-local or otherwise special.</summary>
    public IReadOnlyList<IPNetwork> AllowedSourceNetworks { get; init; } = [];

    /// <summary>How long a Lease is valid without a renewal, 3 s to 5 minutes in whole seconds.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(15);
}
