namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>Whether this service looks after Clusters by itself.</summary>
public enum ReconcilerMode
{
    /// <summary>It does.</summary>
    On,

    /// <summary>Only the hooks work; nothing is renewed between two upgrades.</summary>
    Off,
}

/// <summary>How the reconciler goes about its work.</summary>
public sealed record ReconcilerOptions
{
    /// <summary>Whether it runs at all.</summary>
    public ReconcilerMode Mode { get; init; } = ReconcilerMode.On;

    /// <summary>The namespaces with Clusters; empty means all.</summary>
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary>Passes at once, 1 to 64. At most half of them go to Clusters whose last pass failed.</summary>
    public int Workers { get; init; } = 8;

    /// <summary>
    /// Passes that begin per second, 1 to 1000. A pass over a healthy Cluster makes three or four calls to the management cluster.
    /// </summary>
    public int Rate { get; init; } = 50;

    /// <summary>How often a Cluster is looked at when nothing happens to it, 1 minute to 24 hours.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often the certificate on a workload cluster is looked at when nothing is due, up to 30 days; zero is never.</summary>
    public TimeSpan Verify { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long other replicas wait for a sign of life of the one that reconciles, 3 s to 5 minutes in whole seconds.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The first pause after a pass that failed; it doubles up to <see cref="LongestBackoff"/>.</summary>
    public static TimeSpan FirstBackoff { get; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause after a pass that failed.</summary>
    public static TimeSpan LongestBackoff { get; } = TimeSpan.FromMinutes(5);
}
