using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Volumes;

/// <summary>
/// Reads how full the volumes of a registry are, from what the kubelets of its nodes have measured: a list of its pods, and one call for
/// each node that has some. Every number comes from the workload cluster and is believed within bounds.
/// </summary>
internal static class VolumeReader
{
    /// <summary>Set by the registry chart on replicas and on caches.</summary>
    private const string PodLabels =
        $"app.kubernetes.io/instance={RegistryNames.Registry},app.kubernetes.io/component in (registry,cache)";

    /// <summary>The name of the registry's volume in its pods.</summary>
    private const string DataVolume = "data";

    /// <summary>Reads them.</summary>
    /// <param name="workload">Client of the workload cluster.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>
    /// One per pod, by name; empty when the storage has no statistics; null when nothing is known now: there is no pod yet, or no kubelet
    /// has measured one.
    /// </returns>
    /// <exception cref="KubernetesApiException">The workload API server can't be asked.</exception>
    public static async Task<IReadOnlyList<VolumeUsage>?> ReadAsync(KubernetesClient workload, CancellationToken cancellationToken)
    {
        var options = new ListOptions { Namespace = RegistryNames.Namespace, LabelSelector = PodLabels };
        var pods = await workload.ListFirstAsync(CoreResources.Pods, options, VolumeRecord.MostVolumes, cancellationToken);
        var measured = new List<PodStatistics>();
        foreach (var node in pods.Where(pod => !string.IsNullOrEmpty(pod.Spec?.NodeName)).GroupBy(pod => pod.Spec!.NodeName!))
        {
            var names = node.Select(pod => pod.Metadata.Name).ToHashSet(StringComparer.Ordinal);
            measured.AddRange((await ReadNodeAsync(workload, node.Key, cancellationToken)).Where(pod =>
                pod.PodRef is { Namespace: RegistryNames.Namespace, Name: { } name } && names.Remove(name)));
        }

        var volumes = measured.Select(UsageOf).OfType<VolumeUsage>().OrderBy(volume => volume.Pod, StringComparer.Ordinal).ToList();
        // A pod without any statistics is new; one with some, but none of this volume, has storage without statistics.
        return volumes.Count > 0 || measured.Any(pod => pod.Volume is { Count: > 0 }) ? volumes : null;
    }

    /// <summary>A kubelet that does not answer hides the pods of its node, and not those of the others.</summary>
    private static async Task<IEnumerable<PodStatistics>> ReadNodeAsync(
        KubernetesClient workload, string node, CancellationToken cancellationToken)
    {
        if (!KubernetesNames.IsSubdomain(node))
            return [];
        try
        {
            return (await workload.ReadNodeSummaryAsync(node, cancellationToken)).Pods?.OfType<PodStatistics>() ?? [];
        }
        catch (KubernetesApiException exception) when (exception.StatusCode is not null || exception.Fault == KubernetesFault.BadResponse)
        {
            return [];
        }
    }

    private static VolumeUsage? UsageOf(PodStatistics pod)
    {
        var data = pod.Volume?.FirstOrDefault(volume => volume?.Name == DataVolume);
        if (data is not { CapacityBytes: > 0 and <= long.MaxValue, AvailableBytes: { } available }
            || data.Inodes > long.MaxValue || !KubernetesNames.IsLabel(pod.PodRef!.Name))
            return null;
        var (inodes, free) = (data.Inodes ?? 0, data.InodesFree ?? data.Inodes ?? 0);
        return new VolumeUsage(
            pod.PodRef.Name!, (long)data.CapacityBytes.Value, Rest(data.CapacityBytes.Value, available), (long)inodes, Rest(inodes, free));
    }

    private static long Rest(ulong whole, ulong part) => part >= whole ? 0 : (long)(whole - part);
}
