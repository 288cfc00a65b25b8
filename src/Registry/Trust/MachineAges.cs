using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// The age of a cluster's nodes, by their Machines and MachinePools. A node keeps the CA file that it was created with.
/// </summary>
internal sealed class MachineAges(KubernetesClient management)
{
    /// <summary>The Machines and MachinePools that are older than a moment.</summary>
    public async Task<OldMachines> OlderThanAsync(RegistryPlan plan, DateTimeOffset moment, CancellationToken cancellationToken)
    {
        var machines = await CountAsync(plan, RegistryResources.Machines(plan.Cluster), moment, cancellationToken);
        return machines + await CountPoolsAsync(plan, moment, cancellationToken);
    }

    private async Task<OldMachines> CountPoolsAsync(RegistryPlan plan, DateTimeOffset moment, CancellationToken cancellationToken)
    {
        try
        {
            return await CountAsync(plan, RegistryResources.MachinePools(plan.Cluster), moment, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            // Cluster API runs without MachinePools.
            return OldMachines.None;
        }
    }

    private async Task<OldMachines> CountAsync(
        RegistryPlan plan, ResourceType<ObjectHeader> type, DateTimeOffset moment, CancellationToken cancellationToken)
    {
        var cluster = plan.Cluster.Name;
        var old = OldMachines.None;
        var options = new ListOptions { Namespace = cluster.Namespace, LabelSelector = $"{RegistryPlan.ClusterNameLabel}={cluster.Name}" };
        await foreach (var owner in management.ListAsync(type, options, cancellationToken))
        {
            // Without a timestamp it counts as old.
            var created = owner.Metadata.CreationTimestamp ?? DateTimeOffset.MinValue;
            if (created < moment)
                old += new OldMachines(1, $"{type.Kind} {owner.Metadata.Name}", created);
        }

        return old;
    }
}

/// <summary>A number of Machines and MachinePools, and the oldest of them with its kind; null when there is none.</summary>
internal readonly record struct OldMachines(int Count, string? Oldest, DateTimeOffset Created)
{
    public static OldMachines None => new(0, null, DateTimeOffset.MaxValue);

    public static OldMachines operator +(OldMachines left, OldMachines right)
    {
        var leftIsOlder = right.Oldest is null
            || (left.Oldest is not null && (left.Created, left.Oldest).CompareTo((right.Created, right.Oldest)) <= 0);
        return (leftIsOlder ? left : right) with { Count = left.Count + right.Count };
    }
}
