using CapiRegistryHook.Dashboard.Model;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Dashboard.Reading;

/// <summary>
/// How far the decisions of the admin are that were written last. Whether the service has newer ones that nobody has yet is not known from
/// objects. Pure.
/// </summary>
internal static class RolloutSummary
{
    private const int MostHolding = 20;

    /// <summary>Null when no registry is installed.</summary>
    public static RolloutRow? Create(IReadOnlyList<ClusterStatus> reports)
    {
        var installed = reports.Where(report => report is { Rollout: not null, Installed: { Revision: not null, Since: not null } })
            .ToList();
        if (installed.MaxBy(report => report.Installed!.Since) is not { Installed: { } newest })
            return null;
        List<ClusterStatus> In(RolloutState state) => [.. installed.Where(report => report.Rollout == state)];
        var (done, changing, failed) = (In(RolloutState.Current).Count, In(RolloutState.InProgress), In(RolloutState.Failed));
        var waiting = In(RolloutState.Waiting).Count;
        var state = installed.Exists(report => report.StopsRollout) ? "Stopped"
            : changing.Count + failed.Count > 0 ? "Running" : waiting > 0 ? "Waiting" : "Done";
        var since = installed.Where(report => report.Rollout != RolloutState.Waiting).Min(report => report.Installed!.Since!.Value);
        return new RolloutRow(
            state, newest.Revision!, newest.Version, since, done, installed.Count, waiting, Holders(changing), Holders(failed));
    }

    private static List<HolderRow> Holders(IEnumerable<ClusterStatus> reports) => [.. reports.Take(MostHolding).Select(report =>
        new HolderRow(report.Cluster.Namespace, report.Cluster.Name, report.Installed!.Since, report.Problem))];
}
