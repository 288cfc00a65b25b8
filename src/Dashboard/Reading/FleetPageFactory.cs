using CapiRegistryHook.Dashboard.Model;
using CapiRegistryHook.Registry.Inspection;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Dashboard.Reading;

/// <summary>Makes the page of the fleet out of what was read. Pure.</summary>
internal static class FleetPageFactory
{
    /// <param name="reports">All Clusters, by namespace and name.</param>
    /// <param name="roots">The roots; null where they can't be read.</param>
    /// <param name="program">The version of this program.</param>
    /// <param name="now">The current time.</param>
    public static FleetPage Create(IReadOnlyList<ClusterStatus> reports, RootOverview? roots, string program, DateTimeOffset now) =>
        new(now, 0, program, [.. reports.Select(RowOf)], [.. (roots?.Roots ?? []).Select(RowOf)])
        {
            Rotation = roots is null ? null : RotationSummary.Create(reports, roots),
            Rollout = RolloutSummary.Create(reports),
        };

    public static CertificateRow? RowOf(CertificateReport? certificate) => certificate is null ? null
        : new CertificateRow(certificate.Serial, certificate.Issuer, certificate.NotBefore, certificate.RenewAt, certificate.NotAfter,
            certificate.IsServed);

    private static ClusterRow RowOf(ClusterStatus report) => new(report.Cluster.Namespace, report.Cluster.Name, report.Phase.ToString())
    {
        Problem = report.Problem,
        Endpoint = report.Endpoint,
        RootGeneration = report.RootGeneration,
        Certificate = RowOf(report.Certificate),
        Release = report.Installed is { } release
            ? new ReleaseRow(release.Version, release.Revision, release.Since, release.IsServed) : null,
        DiskPercent = report.Volumes is { Count: > 0 } volumes ? volumes.Max(volume => volume.Percent) : null,
    };

    private static RootRow RowOf(RootReport root) =>
        new(root.Id, root.Generation ?? 0, root.NotBefore, root.NotAfter, root.Role.ToString(), root.IsCompromised)
        {
            Rotation = root.RotatesAt,
        };
}
