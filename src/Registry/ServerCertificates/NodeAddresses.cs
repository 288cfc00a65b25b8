using System.Net;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.ServerCertificates;

/// <summary>
/// The addresses of a cluster's control-plane nodes, for clients that reach the registry by a node port: it answers on every node, and
/// these change least. A new address is a new certificate, which restarts the registry's pods.
/// </summary>
internal sealed class NodeAddresses(KubernetesClient management, RegistryOptions options)
{
    /// <summary>A certificate stays small; more control-plane nodes are not needed to reach the registry.</summary>
    private const int Most = 32;

    private const string ControlPlaneLabel = "cluster.x-k8s.io/control-plane";

    /// <summary>
    /// The plan with the addresses that the cluster's Machines tell of, where its variable asks for them. Machines are written by others,
    /// so
    /// only addresses count that the admin allows in certificates.
    /// </summary>
    public async Task<RegistryPlan> AddAsync(RegistryPlan plan, CancellationToken cancellationToken)
    {
        if (!plan.Basis.Settings.NamesNodes)
            return plan;
        var cluster = plan.Cluster.Name;
        var list = new ListOptions
        {
            Namespace = cluster.Namespace,
            LabelSelector = $"{RegistryPlan.ClusterNameLabel}={cluster.Name},{ControlPlaneLabel}",
        };
        var rules = new ExtraNameRules(plan.Basis, options);
        var found = new List<IPAddress>();
        await foreach (var machine in management.ListAsync(RegistryResources.MachineStates(plan.Cluster), list, cancellationToken))
            found.AddRange(Read(machine).Where(address => ServerNames.IsUsable(address) && rules.ObstacleTo(address) is null));
        // In an order of their own: two replicas of this service come to the same certificate.
        return plan with { Nodes = [.. found.Distinct().OrderBy(address => address.ToString(), StringComparer.Ordinal).Take(Most)] };
    }

    private static IEnumerable<IPAddress> Read(ObjectHeader machine)
    {
        foreach (var entry in machine.Status?.Addresses ?? [])
        {
            if (entry is { Type: "InternalIP" or "ExternalIP" } && ServiceRange.TryParseAddress(entry.Address ?? "", out var address))
                yield return address;
        }
    }
}
