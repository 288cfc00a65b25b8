using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// How old the nodes of a cluster are, by their Machines and MachinePools: nodes read the CA file that they were made with.
/// </summary>
internal sealed class NodeAges(KubernetesClient management)
{
    /// <summary>The Machines and MachinePools that are older than a moment.</summary>
    public async Task<OldNodes> OlderThanAsync(RegistryPlan plan, DateTimeOffset moment, CancellationToken cancellationToken)
    {
        var machines = await CountAsync(plan, RegistryResources.Machines(plan.Cluster), moment, cancellationToken);
        return machines + await CountPoolsAsync(plan, moment, cancellationToken);
    }

    private async Task<OldNodes> CountPoolsAsync(RegistryPlan plan, DateTimeOffset moment, CancellationToken cancellationToken)
    {
        try
        {
            return await CountAsync(plan, RegistryResources.MachinePools(plan.Cluster), moment, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            // Cluster API without MachinePools: then there are none.
            return OldNodes.None;
        }
    }

    private async Task<OldNodes> CountAsync(
        RegistryPlan plan, ResourceType<ObjectHeader> type, DateTimeOffset moment, CancellationToken cancellationToken)
    {
        var cluster = plan.Cluster.Name;
        var old = OldNodes.None;
        var options = new ListOptions { Namespace = cluster.Namespace, LabelSelector = $"{RegistryPlan.ClusterNameLabel}={cluster.Name}" };
        await foreach (var owner in management.ListAsync(type, options, cancellationToken))
        {
            // Without a timestamp it is not known to be young.
            var created = owner.Metadata.CreationTimestamp ?? DateTimeOffset.MinValue;
            if (created < moment)
                old += new OldNodes(1, $"{type.Kind} {owner.Metadata.Name}", created);
        }

        return old;
    }
}

/// <summary>How many there are, and the oldest of them with its kind; null when there is none.</summary>
internal readonly record struct OldNodes(int Count, string? Oldest, DateTimeOffset Created)
{
    public static OldNodes None => new(0, null, DateTimeOffset.MaxValue);

    public static OldNodes operator +(OldNodes left, OldNodes right)
    {
        var leftIsOlder = right.Oldest is null
            || (left.Oldest is not null && (left.Created, left.Oldest).CompareTo((right.Created, right.Oldest)) <= 0);
        return (leftIsOlder ? left : right) with { Count = left.Count + right.Count };
    }
}
