using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Release;

/// <summary>What the add-on provider for Helm (0.6.4) says of a release that is not as it is to be.</summary>
/// <param name="IsFailing">Whether it goes on like this until the cause is removed.</param>
/// <param name="Sentence">What is in the way; the same while the cause is.</param>
internal sealed record ReleaseReport(bool IsFailing, string Sentence)
{
    // The conditions of a HelmChartProxy and of a HelmReleaseProxy.
    private const string SpecsUpToDate = "HelmReleaseProxySpecsUpToDate";
    private const string AllReady = "HelmReleaseProxiesReady";
    private const string ReleaseReady = "HelmReleaseReady";
    private const string ClusterAvailable = "ClusterAvailable";

    /// <summary>The reasons of the provider that waiting does not remove.</summary>
    private static readonly HashSet<string> Failures =
    [
        "ValueParsingFailed", "ClusterSelectionFailed", "HelmReleaseProxyCreationFailed", "HelmReleaseProxyDeletionFailed",
        "HelmInstallOrUpgradeFailed", "HelmReleaseGetFailed", "HelmReleaseDeletionFailed",
    ];

    /// <summary>Whether the HelmReleaseProxies have to be read. What the provider said of an earlier spec does not count.</summary>
    public static bool IsInTheWay(HelmChartProxy live) =>
        IsCurrent(live.Metadata.Generation, live.Status?.ObservedGeneration)
        && (live.Status?.Find(SpecsUpToDate)?.IsFalse == true || live.Status?.Find(AllReady)?.IsFalse == true);

    /// <summary>Null when nothing is known to be in the way.</summary>
    /// <param name="live">A HelmChartProxy that is not ready.</param>
    /// <param name="releases">Its HelmReleaseProxies; those of others are passed over.</param>
    public static ReleaseReport? Of(HelmChartProxy live, IEnumerable<HelmReleaseProxy> releases)
    {
        if (!IsInTheWay(live))
            return null;
        if (live.Status?.Find(SpecsUpToDate) is { IsFalse: true } specs)
            return Of(
                specs, "The add-on provider can't create the Helm release", "The add-on provider is still updating the Helm release.");
        var own = releases.Where(release => release.Metadata.OwnerReferences?.Any(owner => owner.Uid == live.Metadata.Uid) == true)
            .ToList();
        var reports = own.Select(Of).OfType<ReleaseReport>().ToList();
        return reports.Find(report => report.IsFailing) ?? reports.FirstOrDefault()
            ?? (own.Count == 0 ? Of(live.Status!.Find(AllReady)!) : null);
    }

    private static ReleaseReport? Of(HelmReleaseProxy release)
    {
        if (release.Status is not { } status || !IsCurrent(release.Metadata.Generation, status.ObservedGeneration))
            return null;
        return status.Find(ClusterAvailable) is { IsFalse: true } cluster
            ? new ReleaseReport(false, WithCause("The add-on provider can't reach the workload cluster", cluster))
            : status.Find(ReleaseReady) is { IsFalse: true } ready ? Of(ready) : null;
    }

    private static ReleaseReport Of(ObjectCondition condition) =>
        Of(condition, "The Helm release fails", "The Helm release is still being installed or upgraded.");

    private static ReleaseReport Of(ObjectCondition condition, string failure, string progress) =>
        Failures.Contains(condition.Reason ?? "")
            ? new ReleaseReport(true, WithCause(failure, condition)) : new ReleaseReport(false, progress);

    private static string WithCause(string what, ObjectCondition condition)
    {
        var cause = ForeignText.Clean(condition.Message);
        return cause.Length == 0 ? $"{what}." : $"{what}: {cause}.";
    }

    private static bool IsCurrent(long? generation, long? observed) => observed is null || generation is null || observed >= generation;
}
