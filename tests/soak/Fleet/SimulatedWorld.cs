using CapiRegistryHook.Harness;
using CapiRegistryHook.Unit.Tests;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>What the management clusters of a simulation share: the clock, chance, the records, and the network to all clusters.</summary>
internal sealed class SimulatedWorld
{
    private const int LongestName = 63;

    private readonly Dictionary<string, SimulatedCluster> _hosts = [];
    private readonly ClusterRecords _records;

    public SimulatedWorld(int seed, DateTimeOffset start)
    {
        Time = new FixedTime(start);
        Chaos = new SimulatedChaos(seed);
        _records = new ClusterRecords(Time, Keys);
        using var authority = LoopbackAuthority.Create(Time);
        AnyAuthority = authority.CertificatePem;
    }

    /// <summary>More than a watch per connection of a small pool would serve.</summary>
    public static IReadOnlyList<string> Namespaces { get; } =
        [.. Enumerable.Range(0, 10).Select(index => $"team-{index}")];

    public FixedTime Time { get; }

    public SimulatedChaos Chaos { get; }

    public KeyLedger Keys { get; } = new();

    /// <summary>What happened, in numbers.</summary>
    public SimulatedCounts Counts { get; } = new();

    /// <summary>A CA for kubeconfigs; nothing is encrypted here.</summary>
    public string AnyAuthority { get; }

    /// <summary>The API server that a kubeconfig names.</summary>
    public SimulatedCluster? Find(string host) => _hosts.GetValueOrDefault(host);

    /// <summary>
    /// A cluster with a new name, of which every seventh is as long as names may be. All Clusters of one namespace are fat, and one
    /// Cluster's HelmChartProxy has the name of somebody else's.
    /// </summary>
    public SimulatedCluster NewCluster()
    {
        var number = Counts.Clusters++;
        var name = $"c{number}";
        if (number % 7 == 3)
            name = $"{name}-".PadRight(LongestName, 'x');
        var cluster = new SimulatedCluster(_records, Namespaces[(int)(number % Namespaces.Count)], name)
        {
            IsFat = number % Namespaces.Count == 4,
            HasForeignRelease = number == 5,
        };
        _hosts.Add(cluster.Api.Address.Host, cluster);
        return cluster;
    }

    public void Remove(SimulatedCluster cluster)
    {
        _hosts.Remove(cluster.Api.Address.Host);
        cluster.Dispose();
    }
}
