using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>
/// One pass over one Cluster, from what is there now: it asks for a registry, for none, or for one that can't be. A pass may come at
/// any time, twice at once, or after a crash of the last one; it does what is left to do with the same steps as the hooks.
/// </summary>
internal sealed class ClusterReconciler(
    KubernetesClient management, WorkloadAccess workload, RegistryInstaller steps, RegistryOptions options, TimeProvider time)
{
    /// <summary>Longer than the hooks have: nobody waits for it, and a slow workload cluster is to be served too.</summary>
    private static readonly TimeSpan PassLimit = TimeSpan.FromSeconds(60);

    private const string PausedAnnotation = "cluster.x-k8s.io/paused";

    private readonly RegistryRemoval _removal = new(management, new RegistryData(workload), options);
    private readonly ClusterEventRecorder _events = new(management, time);

    /// <summary>This process begins to look after the Clusters; what it has told before no longer counts.</summary>
    public void Forget() => _events.Clear();

    /// <summary>Makes the registry of the Cluster true, or says what is in the way.</summary>
    /// <param name="key">The Cluster.</param>
    /// <param name="version">A version in which Clusters are served.</param>
    /// <param name="verify">True to look at the certificate on the workload cluster even when nothing is due.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    public async Task<ClusterStatus> ReconcileAsync(ClusterKey key, string version, bool verify, CancellationToken cancellationToken)
    {
        var pass = new ReconcileContext();
        var root = new NamespacedName(options.HookNamespace, options.RootSecretName);
        var outcome = await Attempt.RunAsync(PassLimit, time, root, async token =>
        {
            pass.Cluster = await management.FindAsync(RegistryResources.Clusters(version), key.Object, token);
            pass.Goal = GoalOf(pass.Cluster);
            return pass.Goal == ClusterPhase.Ready ? await ActAsync(pass.Cluster!, verify, pass, token) : RegistryOutcome.Done;
        }, cancellationToken);
        var status = pass.Conclude(key, outcome);
        await _events.TellAsync(pass, status, cancellationToken);
        return status;
    }

    /// <summary>What is to become of the registry of a Cluster; Ready means that it is looked after.</summary>
    public static ClusterPhase GoalOf(Cluster? cluster) => cluster switch
    {
        null => ClusterPhase.Gone,
        { Metadata.DeletionTimestamp: not null } => ClusterPhase.Deleting,
        _ => IsPaused(cluster) ? ClusterPhase.Paused : ClusterPhase.Ready,
    };

    /// <summary>Whether its user wants controllers to leave the Cluster alone.</summary>
    public static bool IsPaused(Cluster cluster) =>
        cluster.Spec?.Paused == true || cluster.Metadata.Annotations?.ContainsKey(PausedAnnotation) == true;

    private Task<RegistryOutcome> ActAsync(Cluster cluster, bool verify, ReconcileContext pass, CancellationToken cancellationToken)
    {
        switch (RegistryPlan.Create(cluster, options))
        {
            case PlanResult.Wanted wanted:
                return steps.ReconcileAsync(wanted.Plan, verify, pass, cancellationToken);
            case PlanResult.Invalid invalid:
                return Task.FromResult(RegistryOutcome.Invalid(Problem.Describe(invalid.Problems)));
            default:
                pass.Goal = ClusterPhase.Off;
                return _removal.RemoveAsync(cluster, pass.Changes, cancellationToken);
        }
    }
}
