using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.EndToEnd.Tests.Cluster;

[assembly: AssemblyFixture(typeof(SharedCluster))]

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>
/// The cluster with a node that tests share, started when the first one asks. Tests keep to namespaces of their own
/// (<see cref="ClusterNamespace"/>) and belong to the collection <see cref="OnOneNode"/>.
/// </summary>
public sealed class SharedCluster : IAsyncDisposable
{
    private readonly Lazy<Task<IWorkloadCluster>> _cluster = new(() => ClusterChoice.StartAsync(Console.Error, CancellationToken.None));

    public Task<IWorkloadCluster> GetAsync() => _cluster.Value;

    public async ValueTask DisposeAsync()
    {
        if (!_cluster.IsValueCreated || !_cluster.Value.IsCompletedSuccessfully)
            return;

        await using var cluster = await _cluster.Value;
        await ClusterArtifacts.SaveClusterAsync(cluster, CancellationToken.None);
    }
}

/// <summary>Tests in this collection run one after the other: the registry's fixed addresses and the node's files exist once.</summary>
[CollectionDefinition(Name)]
public sealed class OnOneNode
{
    public const string Name = "on one node";
}
