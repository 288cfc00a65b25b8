using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Kubernetes;

namespace CapiRegistryHook.Delivery.Targets;

/// <summary>An open registry: the replica that takes pushes, and all of them. It frees them and what leads to them.</summary>
/// <param name="name">What it is called in messages: <c>namespace/name</c> of a Cluster, or a host.</param>
/// <param name="rule">Where nodes look for images in it.</param>
/// <param name="replicas">All replicas, in order; at least one.</param>
/// <param name="primary">The index of the one that takes pushes.</param>
/// <param name="way">What leads to them and is freed with them; null for nothing.</param>
public sealed class RegistryTarget(
    string name, MirrorRule rule, IReadOnlyList<RegistryReplica> replicas, int primary, IDisposable? way = null) : IDisposable
{
    /// <summary>What it is called in messages: <c>namespace/name</c> of a Cluster, or a host.</summary>
    public string Name => name;

    /// <summary>Where nodes look for images in it.</summary>
    public MirrorRule Rule => rule;

    /// <summary>All replicas, in order.</summary>
    public IReadOnlyList<RegistryReplica> Replicas => replicas;

    /// <summary>The replica that takes pushes, from which the others copy.</summary>
    public RegistryReplica Primary => replicas[primary];

    /// <summary>The distribution API of <see cref="Primary"/>.</summary>
    public RegistryClient Client => Primary.Client;

    /// <summary>The authorities that verify it, as PEM; null for those of the machine.</summary>
    public string? TrustPem { get; init; }

    /// <summary>The host, and the port where it is not 443, under which nodes can pull from it; null when there is none.</summary>
    public string? PullAddress { get; init; }

    /// <summary>The Secret on the management cluster with its generated login, as <c>namespace/name</c>; null when there is none.</summary>
    public string? LoginSecret { get; init; }

    /// <summary>Reads the kubeconfig of the cluster, which holds credentials; null for a registry that is not a cluster's.</summary>
    public Func<CancellationToken, Task<ReadOnlyMemory<byte>>>? ReadKubeconfigAsync { get; init; }

    /// <summary>Whether it fetches by itself what the Secret of <see cref="Registry.Clients.RegistrySources"/> names.</summary>
    internal bool Pulls { get; init; }

    /// <summary>The API server of its cluster; null for a registry that is not a cluster's. It is freed with this.</summary>
    internal KubernetesClient? Workload { get; init; }

    /// <summary>Reads the bytes that are left on the volumes of replicas, by their names; null where nobody measures them. Replicas of
    /// which nothing is known are left out.</summary>
    public Func<CancellationToken, Task<IReadOnlyDictionary<string, long>>>? ReadFreeSpaceAsync { get; init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var replica in replicas)
            replica.Dispose();
        way?.Dispose();
    }
}

/// <summary>A registry that can be opened.</summary>
/// <param name="Name">What it is called in messages.</param>
/// <param name="OpenAsync">Opens it; the caller disposes it.</param>
public sealed record TargetAddress(string Name, Func<CancellationToken, Task<RegistryTarget>> OpenAsync);
