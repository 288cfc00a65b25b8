using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Gate;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry.Text;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>
/// Reconciles one Cluster, from what is there now: it wants a registry, none, or one that can't be. A reconcile may come at any time,
/// twice at once, or after a crash of the last one; it does what is left to do with the same steps as the hooks.
/// </summary>
internal sealed class ClusterReconciler(
    KubernetesClient management, WorkloadAccess workload, RegistryInstaller steps, RegistryOptions options, TimeProvider time)
{
    /// <summary>What paces changes by the admin.</summary>
    public Rollout Rollout { get; } = new(options, time);

    /// <summary>Longer than the hooks have: nobody waits for it, and slow workload clusters need it.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(10);

    private const string PausedAnnotation = "cluster.x-k8s.io/paused";

    private readonly RegistryRemoval _removal = new(management, new RegistryData(workload), options);
    private readonly ClusterEventRecorder _events = new(management, time);
    private readonly ContentGate _content = new(management, workload, options, time);
    private readonly ClusterConditionWriter _condition = new(management, options, time);

    /// <summary>Forgets a Cluster that is gone.</summary>
    public void Forget(ClusterKey key)
    {
        _events.Forget(key);
        Rollout.Forget(key);
    }

    /// <summary>Forgets all Clusters: what this process reported before another one led no longer counts.</summary>
    public void ForgetAll()
    {
        _events.ForgetAll();
        Rollout.ForgetAll();
    }

    /// <summary>Reads how full the volumes of a registry are.</summary>
    public VolumeCheck Volumes => new(management, workload, _events, options, time);

    /// <summary>Makes the registry of the Cluster what it is to be, or says what is in the way.</summary>
    /// <param name="key">The Cluster.</param>
    /// <param name="version">A version in which Clusters are served.</param>
    /// <param name="verify">True to check the certificate on the workload cluster even when nothing is due.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<ReconcileResult> ReconcileAsync(ClusterKey key, string version, bool verify, CancellationToken cancellationToken)
    {
        var startedAt = time.GetTimestamp();
        var context = new ReconcileContext { IsClusterLive = true, Rollout = Rollout };
        var root = new NamespacedName(options.HookNamespace, options.RootSecretName);
        var outcome = await Attempt.RunAsync(Limit, time, root, async token =>
        {
            context.Cluster = await management.FindAsync(RegistryResources.Clusters(version), key.Object, token);
            context.Goal = GoalOf(context.Cluster);
            return context.Goal == ClusterPhase.Ready ? await ActAsync(context.Cluster!, verify, context, token) : RegistryOutcome.Done;
        }, cancellationToken);
        if (context is { Certificate: null, Goal: not ClusterPhase.Off, Cluster: { } cluster })
            await Attempt.RunAsync(ReadLimit, time, root, token => ReadCertificateAsync(cluster, context, token), cancellationToken);
        var status = context.Conclude(key, outcome);
        Rollout.Record(key, context.Progress, status.Phase, startedAt);
        context.RolloutStop = Rollout.StopReasonOf(key);
        await _events.RecordAsync(context, status, cancellationToken);
        return status with { ConditionProblem = await _condition.WriteAsync(context, status, cancellationToken) };
    }

    /// <summary>
    /// A registry that this service leaves alone has a certificate all the same, and its end is what an alert has to know.
    /// </summary>
    private async Task<RegistryOutcome> ReadCertificateAsync(
        Cluster cluster, ReconcileContext context, CancellationToken cancellationToken)
    {
        var release = await management.FindAsync(
            RegistryResources.HelmChartProxyHeaders, RegistryPlan.ChartProxyOf(cluster), cancellationToken);
        if (release is not null && ObjectLabels.IsManagedFor(cluster, release.Metadata))
        {
            context.Begin(CertificateRecord.Read(release.Metadata.Annotations));
            context.Volumes = VolumeRecord.Read(release.Metadata.Annotations);
            context.Progress ??= ReleaseProgress.Read(release.Metadata.Annotations);
        }

        return RegistryOutcome.Done;
    }

    /// <summary>What is to become of the registry of a Cluster; Ready means that this service acts on it.</summary>
    public static ClusterPhase GoalOf(Cluster? cluster) => cluster switch
    {
        null => ClusterPhase.Gone,
        { Metadata.DeletionTimestamp: not null } => ClusterPhase.Deleting,
        _ => IsPaused(cluster) ? ClusterPhase.Paused : ClusterPhase.Ready,
    };

    /// <summary>Whether its user wants controllers to leave the Cluster alone.</summary>
    public static bool IsPaused(Cluster cluster) =>
        cluster.Spec?.Paused == true || cluster.Metadata.Annotations?.ContainsKey(PausedAnnotation) == true;

    private async Task<RegistryOutcome> ActAsync(
        Cluster cluster, bool verify, ReconcileContext context, CancellationToken cancellationToken)
    {
        switch (RegistryPlan.Create(cluster, options))
        {
            case PlanResult.Wanted wanted:
                var outcome = await steps.ReconcileAsync(wanted.Plan, verify, context, cancellationToken);
                return outcome.Kind == OutcomeKind.Done
                    ? await AwaitContentAsync(wanted.Plan, outcome, context, cancellationToken) : outcome;
            case PlanResult.Invalid invalid:
                return RegistryOutcome.Invalid(Problem.Describe(invalid.Problems));
            default:
                context.Goal = ClusterPhase.Off;
                return await _removal.RemoveAsync(cluster, context, cancellationToken);
        }
    }

    /// <summary>
    /// A registry becomes ready when it holds what was declared for it. The condition on the Cluster remembers that it was ready, so that
    /// content which is declared later makes no registry unready, and nothing is asked any more.
    /// </summary>
    private async Task<RegistryOutcome> AwaitContentAsync(
        RegistryPlan plan, RegistryOutcome outcome, ReconcileContext context, CancellationToken cancellationToken)
    {
        if (RegistryCondition.Find(plan.Cluster)?.Status == "True"
            || await _content.FindFillObstacleAsync(plan, cancellationToken) is not { } missing)
            return outcome;
        context.IsFilling = true;
        return RegistryOutcome.Waiting(missing);
    }
}
