using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Registry.Clients;

/// <summary>What is left on the volumes of a registry's replicas, for clients that are about to fill them.</summary>
public static class FreeSpace
{
    /// <summary>Reads it; kubelets measure about once a minute.</summary>
    /// <param name="workload">Client of the workload cluster.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>Bytes by the name of the pod; empty when nothing is known, because the storage has no statistics, they are not there yet,
    /// or the workload cluster does not give them.</returns>
    public static async Task<IReadOnlyDictionary<string, long>> ReadAsync(KubernetesClient workload, CancellationToken cancellationToken)
    {
        try
        {
            var volumes = await VolumeReader.ReadAsync(workload, cancellationToken) ?? [];
            return volumes.ToDictionary(volume => volume.Pod, volume => volume.Capacity - volume.Used, StringComparer.Ordinal);
        }
        catch (KubernetesApiException)
        {
            return new Dictionary<string, long>();
        }
    }
}
