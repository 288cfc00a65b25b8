using CapiRegistryHook.Dashboard.Model;
using CapiRegistryHook.Registry.Inspection;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Dashboard.Reading;

/// <summary>How far a rotation of the root is: who is through with its phase, and who is not. Pure.</summary>
internal static class RotationSummary
{
    private const int MostHolding = 20;

    /// <summary>Null when no rotation is in progress: one root signs, and no other is trusted.</summary>
    public static RotationRow? Create(IReadOnlyList<ClusterStatus> reports, RootOverview roots)
    {
        if (roots.Roots.FirstOrDefault(root => root.Role == RootRole.Signing) is not { } signing)
            return null;
        var taking = reports.Where(TakesPart).ToList();
        return roots.Roots.FirstOrDefault(root => root.Role == RootRole.Next) is { } next
            ? Switching(taking, roots, signing, next) : Draining(taking, roots, signing);
    }

    /// <summary>A rotation waits for no Cluster that is left alone: cross-certificates reach its nodes afterwards.</summary>
    private static bool TakesPart(ClusterStatus report) => report.Certificate is not null
        && report.Phase is not (ClusterPhase.Paused or ClusterPhase.Deleting or ClusterPhase.Off or ClusterPhase.Gone);

    private static RotationRow Switching(List<ClusterStatus> taking, RootOverview roots, RootReport signing, RootReport next)
    {
        bool Trusts(ClusterStatus report) => roots.Trusted.GetValueOrDefault(report.Cluster)?.ContainsKey(next.Id) == true;
        bool Serves(ClusterStatus report) => report.Certificate is { IsServed: true } certificate && certificate.Issuer == next.Id;
        var isPreparing = !taking.TrueForAll(report => Trusts(report) || Serves(report));
        var (phase, isDone, reason) = isPreparing
            ? ("Prepare", (Func<ClusterStatus, bool>)Trusts, "The next root is not in its trust bundle yet.")
            : ("Switch", Serves, "It does not serve a certificate from the next root yet.");
        var to = next.Generation ?? 0;
        return Row(phase, signing.Generation ?? to - 1, to, taking, isDone, _ => reason);
    }

    private static RotationRow? Draining(List<ClusterStatus> taking, RootOverview roots, RootReport signing)
    {
        bool IsDone(ClusterStatus report) => roots.Trusted.GetValueOrDefault(report.Cluster) is not { } trusted
            || trusted.Keys.All(id => id == signing.Id);
        if (taking.TrueForAll(IsDone))
            return null;
        var to = signing.Generation ?? 0;
        return Row("Drain", to - 1, to, taking, IsDone, report =>
            roots.Trusted.GetValueOrDefault(report.Cluster)?.GetValueOrDefault(signing.Id) is { } since && since != default
                ? $"Machines that were created before {since.UtcDateTime:yyyy-MM-dd HH:mm} UTC may trust the former root alone."
                : "Its nodes trust the former root.");
    }

    private static RotationRow Row(
        string phase, int from, int to, List<ClusterStatus> taking, Func<ClusterStatus, bool> isDone, Func<ClusterStatus, string> why)
    {
        var holding = taking.Where(report => !isDone(report)).ToList();
        return new RotationRow(phase, from, to, taking.Count - holding.Count, taking.Count,
            [.. holding.OrderBy(report => report.Problem is null).Take(MostHolding)
            .Select(report => new HolderRow(report.Cluster.Namespace, report.Cluster.Name, null, report.Problem ?? why(report)))]);
    }
}
