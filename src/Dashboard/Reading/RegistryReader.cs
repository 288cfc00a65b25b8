using CapiRegistryHook.Dashboard.Model;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Inspection;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Dashboard.Reading;

/// <summary>Reads one registry in depth: from the management cluster, and from its pods as they are at the moment.</summary>
internal sealed class RegistryReader(RegistryLifecycle lifecycle, RegistryInspection inspection, TimeProvider time)
{
    /// <summary>Reads it. What can't be asked is left out, and said.</summary>
    /// <exception cref="FleetStatusException">The management cluster can't be read.</exception>
    /// <exception cref="DeliveryException">There is no such Cluster.</exception>
    public async Task<RegistryDetail> ReadAsync(ClusterKey cluster, CancellationToken cancellationToken)
    {
        var status = await lifecycle.Fleet.ReadStatusAsync(cluster, cancellationToken)
            ?? throw new DeliveryException($"There is no Cluster {cluster} on the management cluster.");
        var workload = ReadWorkloadAsync(cluster, status, cancellationToken);
        var upgrade = inspection.PreviewUpgradeAsync(cluster, cancellationToken);
        var (report, problem) = await workload;
        return Describe(status, report, problem, await upgrade) with { ReadAt = time.GetUtcNow() };
    }

    /// <summary>The same without a call to the workload cluster.</summary>
    /// <exception cref="FleetStatusException">The management cluster can't be read.</exception>
    public async Task<RegistryDetail?> ReadFromManagementAsync(ClusterKey cluster, CancellationToken cancellationToken) =>
        await lifecycle.Fleet.ReadStatusAsync(cluster, cancellationToken) is { } status
            ? Describe(
                status, null, null, await inspection.PreviewUpgradeAsync(cluster, cancellationToken)) with { ReadAt = time.GetUtcNow() }
            : null;

    private async Task<(WorkloadReport? Report, string? Problem)> ReadWorkloadAsync(
        ClusterKey cluster, ClusterStatusDetail status, CancellationToken cancellationToken)
    {
        if (status.Release is null)
            return (null, "The registry is not installed.");
        try
        {
            return (await inspection.ReadWorkloadAsync(cluster, cancellationToken), null);
        }
        catch (Exception exception) when (Fault.Is(exception))
        {
            return (null, Fault.Describe(exception));
        }
    }

    private static RegistryDetail Describe(
        ClusterStatusDetail status, WorkloadReport? workload, string? problem, UpgradePreview? upgrade) => new(default(DateTimeOffset))
    {
        Addresses =
        [
            .. Addresses("Pull", status.PullAddresses), .. Addresses("Push", status.PrimaryAddresses),
        ],
        Names = status.Names,
        Certificate = FleetPageFactory.RowOf(status.Certificate),
        RootGeneration = status.Certificate?.RootGeneration,
        Trust = [.. status.TrustedRoots.Select(root => new TrustRow(root.Thumbprint[..16], root.Generation, root.NotAfter, root.Since))],
        Replicas = workload is null ? null : [.. workload.Replicas.Select(replica => RowOf(replica, workload.Primary))],
        ReplicaProblem = problem,
        Volumes = workload?.Claims is null ? null : [.. workload.Claims.Select(claim => RowOf(claim, status.Summary))],
        VolumeProblem = problem,
        Release = status.Release is { } release ? RowOf(release) : null,
        Events = [.. status.Events.Select((entry, index) => new EventRow(
            $"{entry.At.UtcTicks}-{index}", entry.At, entry.IsWarning ? "Warning" : "Normal", entry.Reason, entry.Note))],
        Upgrade = upgrade is null ? null : new UpgradeRow(
            [.. upgrade.Changes.Select(change => new ChangeRow(change.What, change.From, change.To))], upgrade.Notes),
    };

    private static IEnumerable<AddressRow> Addresses(string use, IReadOnlyList<string> addresses) =>
        addresses.Count == 0 ? [] : [new AddressRow(use, addresses)];

    private static ReplicaRow RowOf(ReplicaReport replica, string? primary) => new(
        replica.Pod, replica.IsReady, replica.Answer.ToString(),
        [.. replica.Chain.Select(link => new ChainRow(link.Subject, link.Issuer, link.SerialNumber, link.NotAfter, link.IsRoot))])
    {
        State = replica.IsReady ? null : replica.Phase,
        Release = replica.RunsLatest ? "the latest" : "an earlier one",
        IsPrimary = replica.Pod == primary,
    };

    private static VolumeRow RowOf(ClaimReport claim, ClusterStatus status) => new(
        claim.Name, claim.Phase, claim.Capacity, claim.StorageClass,
        status.Volumes?.FirstOrDefault(volume => claim.Name.EndsWith($"-{volume.Pod}", StringComparison.Ordinal))?.Used);

    private static ReleaseDetail RowOf(ReleaseStatus release) => new(
        release.Chart, release.Version, release.IsServed,
        [.. release.Conditions.Select(
            condition => new ConditionRow(condition.Type, condition.Status, condition.Reason, condition.Message))])
    {
        Revision = release.Revision, Since = release.Since,
    };
}
