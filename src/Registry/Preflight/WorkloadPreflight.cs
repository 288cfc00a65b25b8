using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Preflight;

/// <summary>What a registry needs of the workload cluster, as far as that is there already.</summary>
internal sealed class WorkloadPreflight(WorkloadAccess workload, TimeProvider time)
{
    private const string Api = "workload-api";
    private const string Clock = "clock";
    private const string Addresses = "addresses";
    private const string Storage = "storage";

    /// <summary>Certificates begin this long before they are issued; beyond it a node may find one not valid yet.</summary>
    private static readonly TimeSpan Backdating = TimeSpan.FromMinutes(5);

    /// <summary>Each node renews its Lease every 10 s, and is taken for lost after 40 s.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Leases and StorageClasses are asked for in one page: enough to find what is wrong, and few enough for an answer of a megabyte.
    /// </summary>
    private const int Most = 500;

    /// <summary>Every Service counts. Two hundred take less than half a megabyte.</summary>
    private static readonly ListOptions AllServices = new() { PageSize = 200, MostPages = 50 };

    /// <summary>The findings for a Cluster that has no workload cluster yet.</summary>
    public static IReadOnlyList<PreflightFinding> NotYet { get; } =
    [
        .. new[] { Api, Clock, Addresses, Storage }.Select(
            check => PreflightFinding.Skip(check, "The workload cluster is not there yet; run this again when it is.")),
    ];

    public async Task<IReadOnlyList<PreflightFinding>> RunAsync(RegistryPlan plan, CancellationToken cancellationToken)
    {
        var result = await workload.RunAsync<IReadOnlyList<PreflightFinding>>(plan.Cluster, async client =>
        {
            var clock = CheckClockAsync(client, cancellationToken);
            var addresses = CheckAddressesAsync(client, plan, cancellationToken);
            var storage = CheckStorageAsync(client, plan, cancellationToken);
            var reachable = PreflightFinding.Pass(Api, "The workload API server answers, and its certificate is verified.");
            return new StepResult<IReadOnlyList<PreflightFinding>>([reachable, await clock, await addresses, await storage]);
        }, cancellationToken);
        if (result.Value is { } findings)
            return findings;
        if (result.Stop!.Kind == OutcomeKind.Waiting)
            return NotYet;
        return [PreflightFinding.Fail(Api, result.Stop.Reason, "correct the kubeconfig Secret, or the way to the API server.")];
    }

    /// <summary>The Leases of nodes carry the time of their nodes.</summary>
    private async Task<PreflightFinding> CheckClockAsync(KubernetesClient client, CancellationToken cancellationToken)
    {
        var leases = await client.ListFirstAsync(
            CoreResources.Leases, new ListOptions { Namespace = "kube-node-lease" }, Most, cancellationToken);
        var now = time.GetUtcNow();
        var renewed = leases.Where(lease => lease.Spec?.RenewTime is not null).ToList();
        if (renewed.Count == 0)
            return PreflightFinding.Skip(Clock, "No node has renewed its Lease yet.");
        var latest = renewed.MaxBy(lease => lease.Spec!.RenewTime)!;
        var ahead = latest.Spec!.RenewTime!.Value - now;
        if (ahead > Backdating)
            return PreflightFinding.Fail(Clock,
                $"The clock of the node {latest.Metadata.Name} is {ahead.TotalMinutes:0} minutes ahead of this machine's.",
                "synchronise the clocks: a certificate that is not valid yet is refused.");
        return -ahead > Silence + Backdating
            ? PreflightFinding.Warn(Clock,
                $"No node has renewed its Lease for {-ahead.TotalMinutes:0} minutes by this machine's clock.",
                "synchronise the clocks, or see why the nodes are silent.")
            : PreflightFinding.Pass(Clock, "The clocks of the nodes and of this machine agree.");
    }

    /// <summary>Whether the addresses of the registry are free, and in the range that the cluster has.</summary>
    internal static async Task<PreflightFinding> CheckAddressesAsync(
        KubernetesClient client, RegistryPlan plan, CancellationToken cancellationToken)
    {
        var services = await client.ListAsync(CoreResources.Services, AllServices, cancellationToken).ToListAsync(cancellationToken);
        var wanted = plan.Addresses.All.Select(address => address.ToString()).ToHashSet(StringComparer.Ordinal);
        foreach (var service in services.Where(service => service.Metadata.Namespace != RegistryNames.Namespace))
        {
            if (AddressesOf(service).FirstOrDefault(wanted.Contains) is { } taken)
                return PreflightFinding.Fail(Addresses,
                    $"The Service {new NamespacedName(service.Metadata.Namespace ?? "", service.Metadata.Name ?? "")} has the "
                        + $"address {taken}, which the registry is to have.",
                    "set addresses.pull and addresses.primary in the variable, or give that Service another address.");
        }

        var api = services.FirstOrDefault(service => service.Metadata is { Namespace: "default", Name: "kubernetes" });
        var ranges = RegistryAddresses.RangesOf(plan.Cluster);
        var apiAddress = api is null ? null : AddressesOf(api).FirstOrDefault();
        return apiAddress is null || !ServiceRange.TryParseAddress(apiAddress, out var address)
            || ranges.Exists(range => range.Contains(address))
            ? PreflightFinding.Pass(Addresses, $"{string.Join(", ", wanted)}: in the service CIDR, and free.")
            : PreflightFinding.Fail(Addresses,
                $"The workload cluster's Services have addresses like {apiAddress}, outside of {string.Join(", ", ranges)}.",
                "set spec.clusterNetwork.services.cidrBlocks to what the cluster has.");
    }

    private static IEnumerable<string> AddressesOf(Service service) =>
        (service.Spec?.ClusterIPs ?? []).Append(service.Spec?.ClusterIP).OfType<string>();

    private static async Task<PreflightFinding> CheckStorageAsync(
        KubernetesClient client, RegistryPlan plan, CancellationToken cancellationToken)
    {
        var values = HelmValues.Coalesce(ShippedChart.Defaults, plan.Values);
        var storage = HelmValues.Find(values, "storage.type")?.GetValue<string>();
        if (storage != "pvc")
            return PreflightFinding.Skip(Storage, $"Storage of the type {storage} needs no StorageClass.");
        var name = HelmValues.Find(values, "storage.storageClassName")?.GetValue<string>();
        var classes = await client.ListFirstAsync(CoreResources.StorageClasses, new ListOptions(), Most, cancellationToken);
        var found = classes.FirstOrDefault(candidate => string.IsNullOrEmpty(name)
            ? candidate.IsDefault : candidate.Metadata.Name == name);
        if (found is null)
            return string.IsNullOrEmpty(name)
                ? PreflightFinding.Fail(Storage, "The workload cluster has no default StorageClass.",
                    "set storage.storageClassName in the variable or the admin's values, or mark a class as default.")
                : PreflightFinding.Fail(Storage, $"The workload cluster has no StorageClass {name}.",
                    $"create it, or name one of: {string.Join(", ", classes.Select(candidate => candidate.Metadata.Name).Take(10))}.");
        return found.AllowVolumeExpansion == true
            ? PreflightFinding.Pass(Storage, $"The StorageClass {found.Metadata.Name} exists, and its volumes can grow.")
            : PreflightFinding.Warn(Storage, $"The volumes of the StorageClass {found.Metadata.Name} can't grow.",
                "choose storage.size for years, or a class with allowVolumeExpansion: true.");
    }
}
