using CapiRegistryHook.Registry.Events;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>Decides what there is to tell about a pass. Pure.</summary>
internal static class ClusterEventRules
{
    /// <summary>Away for a moment is nothing that a person can do anything about, and a new cluster takes minutes to come up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>What the pass did.</summary>
    public static IEnumerable<ClusterEvent> Of(ReconcileContext pass)
    {
        foreach (var change in pass.Changes)
        {
            if (Describe(change, pass) is { } news)
                yield return news;
        }

        if (pass.Waits is { Count: > 0 } blocked)
            yield return new ClusterEvent("RotationBlocked", "Rotate", blocked.Reason, IsWarning: blocked.Change is not null);
    }

    /// <summary>What is in the way; null when nothing is, or not for long enough.</summary>
    /// <param name="status">How the pass ended.</param>
    /// <param name="lasting">How long it has ended so.</param>
    public static ClusterEvent? Of(ClusterStatus status, TimeSpan lasting) => status switch
    {
        { Phase: ClusterPhase.Invalid, Reason: { } reason } => Warning("InvalidVariable", "Plan", reason),
        { Phase: ClusterPhase.Refused, Reason: { } reason } => Warning("Refused", "Reconcile", reason),
        { Phase: ClusterPhase.Unreachable, Reason: { } reason } when lasting >= Patience => Warning("Unreachable", "Reconcile", reason),
        { Phase: ClusterPhase.Waiting, Reason: { } reason } when lasting >= Patience => Warning("NotReady", "Reconcile", reason),
        _ => null,
    };

    private static ClusterEvent? Describe(Change change, ReconcileContext pass) => change switch
    {
        { Verb: ChangeVerb.Kept } => Warning("StorageKept", "Install", change.Reason),
        { Kind: "HelmChartProxy", Verb: ChangeVerb.Created } => Normal("RegistryInstalled", "Install", "The registry was asked for."),
        { Kind: "HelmChartProxy", Verb: ChangeVerb.Deleted } =>
            Normal("Disabled", "Remove", $"The registry goes; what it holds stays. {change.Reason}"),
        { Kind: "Secret", OnWorkloadCluster: true, Verb: ChangeVerb.Created } =>
            Normal("CertificateIssued", "Issue", Until("The registry has a certificate", pass)),
        { Kind: "Secret", OnWorkloadCluster: true } when pass.Certificate?.Serial != pass.Former?.Serial =>
            Normal("CertificateRenewed", "Issue", $"{Until("The registry has a new certificate", pass)} {change.Reason}"),
        { Kind: "Secret", OnWorkloadCluster: false }
            when pass.Bundle is { } bundle && change.Name == RegistryBasis.TrustSecret(pass.Cluster!).ToString() =>
            DescribeTrust(change, bundle.Count),
        _ => null,
    };

    private static ClusterEvent? DescribeTrust(Change change, int roots) =>
        change.Reason == ClusterTrust.RetiredReason ? Normal("RootRetired", "Rotate", change.Reason)
        : change.Verb == ChangeVerb.Updated && roots > 1
        ? Normal("RootRotating", "Rotate", "Nodes that are made from now on trust the next root CA too.")
        : null;

    private static string Until(string what, ReconcileContext pass) =>
        pass.Certificate is { } certificate
            ? FormattableString.Invariant($"{what} until {certificate.NotAfter.UtcDateTime:yyyy-MM-dd}.") : $"{what}.";

    private static ClusterEvent Normal(string reason, string action, string note) => new(reason, action, note, IsWarning: false);

    private static ClusterEvent Warning(string reason, string action, string note) => new(reason, action, note, IsWarning: true);
}
