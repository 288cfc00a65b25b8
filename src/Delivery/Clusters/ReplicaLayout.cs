using System.Net;
using System.Net.Sockets;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Delivery.Clusters;

/// <summary>How many replicas a registry has, which of them takes pushes, and who may, as its workload cluster says.</summary>
/// <param name="Replicas">1 to <see cref="ClusterRegistry.MostReplicas"/>.</param>
/// <param name="Primary">The ordinal of the one that takes pushes.</param>
internal sealed record ReplicaLayout(int Replicas, int Primary)
{
    /// <summary>The address of the Service that nodes pull from, as a host; null when it has none.</summary>
    public string? PullAddress { get; init; }

    /// <summary>The Secret with the accounts of the registry; null when it asks for no login.</summary>
    public NamespacedName? AccountsSecret { get; init; }

    /// <summary>Whether the pods read what they have to fetch by themselves.</summary>
    public bool Pulls { get; init; }

    /// <summary>Reads the layout. What the workload cluster says is believed within bounds.</summary>
    /// <exception cref="DeliveryException">The registry is not installed, or what is there is not the registry.</exception>
    public static async Task<ReplicaLayout> ReadAsync(KubernetesClient workload, CancellationToken cancellationToken)
    {
        var stateful = await FindAsync(() =>
            workload.FindAsync(CoreResources.StatefulSets, ClusterRegistry.StatefulSet, cancellationToken));
        if (stateful is null)
            throw new DeliveryException(
                $"The registry is not installed yet: the workload cluster has no StatefulSet {ClusterRegistry.StatefulSet}.");
        var replicas = stateful.Spec?.Replicas ?? 1;
        if (replicas is < 1 or > ClusterRegistry.MostReplicas)
            throw new DeliveryException(
                $"The StatefulSet {ClusterRegistry.StatefulSet} has {replicas} replicas; "
                    + $"a registry that serves has 1 to {ClusterRegistry.MostReplicas}.");
        var service = await FindAsync(() =>
            workload.FindAsync(CoreResources.Services, ClusterRegistry.PrimaryService, cancellationToken));
        var pull = await FindAsync(() =>
            workload.FindAsync(CoreResources.Services, ClusterRegistry.PullService, cancellationToken));
        var pod = stateful.Spec?.Template?.Spec;
        return new ReplicaLayout(replicas, PrimaryOf(service, replicas))
        {
            PullAddress = HostOf(pull?.Spec?.ClusterIP),
            AccountsSecret = RegistryAccounts.SecretOf(pod),
            Pulls = pod?.Volumes?.Any(volume => volume?.Secret?.SecretName == RegistrySources.Secret.Name) == true,
        };
    }

    // A Service without an address says "None".
    private static string? HostOf(string? address) => !IPAddress.TryParse(address, out var parsed) ? null
        : parsed.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{parsed}]" : parsed.ToString();

    // With shared storage the Service leads to all replicas, and any of them takes pushes.
    private static int PrimaryOf(Service? service, int replicas)
    {
        if (service?.PodName is not { } pod)
            return 0;
        return ClusterRegistry.OrdinalOf(pod) is { } ordinal && ordinal < replicas ? ordinal
            : throw new DeliveryException($"The Service {ClusterRegistry.PrimaryService} does not lead to one of the {replicas} replicas.");
    }

    // A deleted namespace is as good as a missing object.
    private static async Task<T?> FindAsync<T>(Func<Task<T?>> find)
        where T : class
    {
        try
        {
            return await find();
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            return null;
        }
    }
}
