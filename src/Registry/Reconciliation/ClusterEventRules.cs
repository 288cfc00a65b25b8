using CapiRegistryHook.Registry.Events;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>Decides which Events a reconcile is worth. Pure.</summary>
internal static class ClusterEventRules
{
    /// <summary>Nobody need act on a short outage, and a new cluster takes minutes to come up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>What the reconcile did.</summary>
    public static IEnumerable<ClusterEvent> Of(ReconcileContext context)
    {
        foreach (var change in context.Changes)
        {
            if (Describe(change, context) is { } item)
                yield return item;
        }

        if (context.BeganFilling is { } filling)
            yield return DescribeVolumes(filling);
        if (context.RolloutStop is { } stop)
            yield return Warning("RolloutStopped", "Rollout", stop);
        if (context.Waits is { Count: > 0 } blocked)
            yield return new ClusterEvent("RotationBlocked", "Rotate", blocked.Reason, IsWarning: blocked.Change is not null);
    }

    /// <summary>What is in the way; null when nothing is, or not for long enough.</summary>
    /// <param name="status">How the reconcile ended.</param>
    /// <param name="lasting">How long it has ended so.</param>
    public static ClusterEvent? Of(ReconcileResult status, TimeSpan lasting) => status switch
    {
        { Phase: ClusterPhase.Invalid, Reason: { } reason } => Warning("InvalidVariable", "Plan", reason),
        { Phase: ClusterPhase.Refused, Reason: { } reason } => Warning("Refused", "Reconcile", reason),
        { Phase: ClusterPhase.Failing, Reason: { } reason } => Warning("ReleaseFailed", "Install", reason),
        { Phase: ClusterPhase.Unreachable, Reason: { } reason } when lasting >= Patience => Warning("Unreachable", "Reconcile", reason),
        { Phase: ClusterPhase.Waiting, Reason: { } reason } when lasting >= Patience => Warning("NotReady", "Reconcile", reason),
        _ => null,
    };

    private static ClusterEvent? Describe(Change change, ReconcileContext context) => change switch
    {
        { Verb: ChangeVerb.Kept } => Warning(ReasonOfKept(change), "Install", change.Reason),
        { Kind: "PersistentVolumeClaim", Verb: ChangeVerb.Updated } => Normal("VolumesGrown", "Grow", change.Reason),
        { Kind: "HelmChartProxy", Verb: ChangeVerb.Created } => Normal("RegistryInstalled", "Install", "The Cluster requests a registry."),
        { Kind: "HelmChartProxy", Reason: ChartInstallation.ReinstallReason } =>
            Warning("RegistryReinstalled", "Install", change.Reason),
        { Kind: "HelmChartProxy", Verb: ChangeVerb.Deleted } =>
            Normal("Disabled", "Remove", $"The registry is being removed. {change.Reason}"),
        { Kind: "Secret", Verb: ChangeVerb.Updated } when change.Name == RegistryBasis.LoginSecret(context.Cluster!).ToString() =>
            Normal("LoginRotated", "Rotate", change.Reason),
        { Kind: "Secret", OnWorkloadCluster: true } when change.Name != RegistryPlan.CertificateSecret.ToString() => null,
        { Kind: "Secret", OnWorkloadCluster: true, Verb: ChangeVerb.Created } =>
            Normal("CertificateIssued", "Issue", Until("The registry has a certificate", context)),
        { Kind: "Secret", OnWorkloadCluster: true } when context.Certificate?.Serial != context.Former?.Serial =>
            Normal("CertificateRenewed", "Issue", $"{Until("The registry has a new certificate", context)} {change.Reason}"),
        { Kind: "Secret", OnWorkloadCluster: false }
            when context.Bundle is { } bundle && change.Name == RegistryBasis.TrustSecret(context.Cluster!).ToString() =>
            DescribeTrust(change, bundle.Count),
        _ => null,
    };

    private static ClusterEvent DescribeVolumes(bool filling) => filling
        ? Warning("VolumeFilling", "ReadVolumes",
            $"A volume of the registry is {VolumeRecord.FillingPercent}% full or more. Remove content, or increase storage.size.")
        : Normal("VolumeFreed", "ReadVolumes", "The registry's volumes have space again.");

    /// <summary>The word for what stays although something else was requested.</summary>
    public static string ReasonOfKept(Change change) => change.Kind == "Service" ? "AddressesKept" : "StorageKept";

    private static ClusterEvent? DescribeTrust(Change change, int roots) =>
        change.Reason == ClusterTrust.RetiredReason ? Normal("RootRetired", "Rotate", change.Reason)
        : change.Verb == ChangeVerb.Updated && roots > 1
        ? Normal("RootRotating", "Rotate", "Nodes that are made from now on trust the next root CA too.")
        : null;

    private static string Until(string what, ReconcileContext context) =>
        context.Certificate is { } certificate
            ? $"{what} until {certificate.NotAfter.UtcDateTime:yyyy-MM-dd}." : $"{what}.";

    private static ClusterEvent Normal(string reason, string action, string note) => new(reason, action, note, IsWarning: false);

    private static ClusterEvent Warning(string reason, string action, string note) => new(reason, action, note, IsWarning: true);
}
