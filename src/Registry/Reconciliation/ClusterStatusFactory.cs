using System.Net.Sockets;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry.Text;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>Judges a cluster's registry from what lies on the management cluster. Pure.</summary>
internal static class ClusterStatusFactory
{
    /// <summary>A renewal that is late by more than this is not just waiting for its turn.</summary>
    private static readonly TimeSpan RenewalSlack = TimeSpan.FromDays(1);

    public static ClusterStatus Create(ClusterFacts facts, RegistryOptions options, DateTimeOffset now)
    {
        var plan = RegistryPlan.Create(facts.Cluster, options);
        var record = CertificateRecord.Read(facts.Release?.Metadata.Annotations);
        var progress = ReleaseProgress.Read(facts.Release?.Metadata.Annotations);
        var volumes = VolumeRecord.Read(facts.Release?.Metadata.Annotations);
        var condition = RegistryCondition.Find(facts.Cluster);
        var (phase, problem) = Correct(Judge(facts, plan, record, now), facts, condition);
        return new ClusterStatus(facts.Cluster.Key, phase)
        {
            Problem = problem,
            Condition = condition is null ? null : Report(condition) with { Message = MessageOf(condition) },
            Replicas = plan is PlanResult.Wanted { Plan.Replicas: var replicas } ? replicas : null,
            Endpoint = plan is PlanResult.Wanted wanted
                ? Endpoint(wanted.Plan.Keep(InstalledVolumes.Read(facts.Release?.Spec?.ValuesTemplate))) : null,
            CertificateUntil = record?.NotAfter,
            Certificate = ClusterDetailFactory.CertificateOf(facts),
            Installed = ClusterDetailFactory.ReleaseOf(facts.Release, helm: null),
            Release = progress?.Revision,
            Progress = progress,
            Volumes = volumes?.Volumes,
            VolumesReadAt = volumes?.ReadAt,
            RootGeneration = record is not null && facts.Generations.TryGetValue(record.Issuer, out var generation) ? generation : null,
        };
    }

    /// <summary>A condition for people; what others wrote into it is made printable.</summary>
    public static ConditionReport Report(ObjectCondition condition) => new(
        FieldText.Sentence(condition.Type ?? ""), FieldText.Sentence(condition.Status ?? ""), FieldText.Sentence(condition.Reason ?? ""),
        condition.Message is { Length: > 0 } message ? ForeignText.Clean(message) + "." : "",
        KubernetesTime.TryParse(condition.LastTransitionTime, out var since) ? since : null);

    /// <summary>Our own sentences, unless somebody else wrote there.</summary>
    private static string MessageOf(ObjectCondition condition) =>
        FieldText.Cut(condition.Message ?? "", ClusterConditionRules.LongestMessage);

    /// <summary>
    /// What the running service found on the workload cluster, it wrote into the condition; that counts while it is about the Cluster as it
    /// is now. A Warning stays for an hour after its cause is gone, so it explains what is awaited and nothing else.
    /// </summary>
    private static (ClusterPhase Phase, string? Problem) Correct(
        (ClusterPhase Phase, string? Problem) known, ClusterFacts facts, ObjectCondition? condition)
    {
        if (known.Phase is not (ClusterPhase.Ready or ClusterPhase.Waiting))
            return known;
        if (condition is { Status: not "True", Reason: { } reason }
            && condition.ObservedGeneration == facts.Cluster.Metadata.Generation)
            return (ClusterConditionRules.PhaseOf(reason), MessageOf(condition));
        return known.Phase == ClusterPhase.Waiting && facts.Warning?.Note is { } note ? (known.Phase, note) : known;
    }

    /// <summary>
    /// Says where each registry is in a rollout, and which have stopped it. Which values the service has now is not known here: those that
    /// were written last are taken for them.
    /// </summary>
    public static IEnumerable<ClusterStatus> MarkRollout(IReadOnlyList<ClusterStatus> reports, RegistryOptions options, DateTimeOffset now)
    {
        var newest = reports.Where(report => report.Progress is not null).MaxBy(report => report.Progress!.Since)?.Release;
        var marked = reports.Select(report => report with { Rollout = StateOf(report, newest, now) }).ToList();
        var isStopped = options.Rollout == RolloutMode.Paced
            && marked.Count(report => report.Rollout == RolloutState.Failed) >= options.RolloutMaxFailures;
        return isStopped ? marked.Select(report => report.Rollout == RolloutState.Failed
            ? report with { Problem = Release.Rollout.StopReason, StopsRollout = true } : report) : marked;
    }

    private static RolloutState? StateOf(ClusterStatus report, string? newest, DateTimeOffset now) => report.Progress switch
    {
        null => null,
        // A first installation is not part of a rollout.
        { Served: null } => null,
        _ when report.Release != newest => RolloutState.Waiting,
        { IsInProgress: true } progress => progress.IsOverdue(Release.Rollout.ProgressLimit, now)
            ? RolloutState.Failed : RolloutState.InProgress,
        { IsServed: true } => RolloutState.Current,
        _ => RolloutState.InProgress,
    };

    private static (ClusterPhase Phase, string? Problem) Judge(
        ClusterFacts facts, PlanResult plan, CertificateRecord? record, DateTimeOffset now) => plan switch
    {
        _ when facts.Cluster.Metadata.DeletionTimestamp is not null => (ClusterPhase.Deleting, null),
        _ when ClusterReconciler.IsPaused(facts.Cluster) => (ClusterPhase.Paused, null),
        PlanResult.Invalid invalid => (ClusterPhase.Invalid, Problem.Describe(invalid.Problems)),
        PlanResult.NotWanted =>
            facts.Release is null ? (ClusterPhase.Off, null) : (ClusterPhase.Waiting, "The registry is still to be taken away."),
        PlanResult.Wanted
            when facts.Release is { } release && ReleaseReport.Of(release, facts.HelmReleases) is { IsFailing: true } report =>
            (ClusterPhase.Failing, report.Sentence),
        PlanResult.Wanted wanted => Judge(facts.Release, record, wanted.Plan.Owner.Uid, now),
        _ => (ClusterPhase.Off, null),
    };

    private static (ClusterPhase Phase, string? Problem) Judge(
        HelmChartProxy? release, CertificateRecord? record, string uid, DateTimeOffset now)
    {
        if (release is null)
            return (ClusterPhase.Waiting, "The registry is not installed yet.");
        if (record is null)
            return (ClusterPhase.Waiting, "It is not known which certificate the registry has.");
        if (now > record.NotAfter)
            return (ClusterPhase.Refused, "The certificate has ended; nodes can't pull from the registry.");
        if (now > record.RenewalTime(uid) + RenewalSlack)
            return (ClusterPhase.Waiting, "The certificate is overdue for renewal.");
        if (!record.IsServed)
            return (ClusterPhase.Waiting, "The new certificate has not been seen served yet.");
        return ReleaseProgress.Read(release.Metadata.Annotations) is { IsServed: false }
            ? (ClusterPhase.Waiting, "The new values or the new chart have not been seen on all pods yet.") : (ClusterPhase.Ready, null);
    }

    private static string Endpoint(RegistryPlan plan)
    {
        var address = plan.Addresses.Pull[0];
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? $"[{address}]:{RegistryNames.Port}" : $"{address}:{RegistryNames.Port}";
    }
}
