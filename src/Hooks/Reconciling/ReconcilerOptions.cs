namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>Whether this service reconciles Clusters between the hooks.</summary>
public enum ReconcilerMode
{
    /// <summary>It reconciles, one replica at a time.</summary>
    On,

    /// <summary>Only the hooks work; nothing is renewed between two upgrades.</summary>
    Off,
}

/// <summary>The options of the reconciler.</summary>
public sealed record ReconcilerOptions
{
    /// <summary>Whether it runs at all.</summary>
    public ReconcilerMode Mode { get; init; } = ReconcilerMode.On;

    /// <summary>
    /// Clusters that are reconciled at once, 1 to 64. At most half of these workers go to Clusters whose last reconcile failed or was
    /// slow, and to one namespace where there are several.
    /// </summary>
    public int Workers { get; init; } = 8;

    /// <summary>
    /// Reconciles that start per second, 1 to 1000. That of a healthy Cluster makes four calls to the management cluster.
    /// </summary>
    public int Rate { get; init; } = 50;

    /// <summary>How often a Cluster is reconciled when nothing happens to it, 1 minute to 24 hours.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often the certificate on a workload cluster is checked when nothing is due, up to 30 days; zero is never.</summary>
    public TimeSpan Verify { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How often the fill level of a registry's volumes is read, up to 24 hours; zero is never.</summary>
    public TimeSpan VolumeInterval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a Lease is valid without a renewal, 3 s to 5 minutes in whole seconds.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(15);
}
