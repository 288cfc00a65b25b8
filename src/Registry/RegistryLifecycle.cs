using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Clusters;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Gate;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry;

/// <summary>
/// Makes a cluster's registry true at the moments of its life that Cluster API tells of. Every method may be called again
/// at any time, from many threads and many processes at once: what is done already is found done.
/// </summary>
public sealed class RegistryLifecycle : IDisposable
{
    private readonly RegistryOptions _options;
    private readonly TimeProvider _time;
    private readonly KubernetesClient _management;
    private readonly SecretKubeconfigClients _workloads;
    private readonly RegistryInstaller _steps;
    private readonly UpgradeBlockDeadline _hold;
    private readonly UpgradeBlockDeadline _contentHold;
    private readonly ContentGate _content;
    private readonly ClusterEventRecorder _events;

    private RegistryLifecycle(
        ClusterConnection connection, KubernetesClientOptions limits, RegistryOptions options, TimeProvider time, ServedCheck served)
    {
        var calls = new ApiCallCounts();
        var management = new KubernetesClient(connection, limits with { OnAttempt = calls.CountManagement }, time);
        ApiCalls = calls;
        (_options, _time, _management) = (options, time, management);
        _workloads = new SecretKubeconfigClients(
            management, limits with { OnAttempt = calls.CountWorkload }, time, new AddressPolicy(options.AllowedWorkloadNetworks));
        var workload = new WorkloadAccess(_workloads);
        _steps = NewSteps(management);
        _hold = new UpgradeBlockDeadline(management, UpgradeBlock.Fault(options), time);
        _contentHold = new UpgradeBlockDeadline(management, UpgradeBlock.Content(options), time);
        _content = new ContentGate(management, workload, options, time);
        _events = new ClusterEventRecorder(management, time);
        // The reconciler works in bulk; the calls of hooks do not queue behind it.
        var bulk = management.WithOwnQueue();
        Fleet = new RegistryFleet(bulk, new ClusterReconciler(bulk, workload, NewSteps(bulk), options, time), options, time);

        RegistryInstaller NewSteps(KubernetesClient client) => new(client, workload, new ChartInstallation(client, options, time),
            options, time, served);
    }

    /// <summary>How many calls of API servers were made, and how they ended.</summary>
    public ApiCallCounts ApiCalls { get; }

    /// <summary>The same for all Clusters, without being told.</summary>
    public RegistryFleet Fleet { get; }

    /// <summary>Makes the clients; nothing is called yet.</summary>
    /// <param name="connection">Where the management cluster is.</param>
    /// <param name="options">The admin's decisions, validated.</param>
    /// <param name="time">Every moment written or compared comes from here.</param>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    public static RegistryLifecycle Connect(ManagementConnection connection, RegistryOptions options, TimeProvider time) =>
        new(connection.Load(time), ClientOptions(options.WorkLimit), options, time, new ServedCertificateProbe(time).CheckAsync);

    /// <summary>The same over any connection, with any limits and any way to see what pods serve.</summary>
    internal static RegistryLifecycle Connect(
        ClusterConnection connection, KubernetesClientOptions limits, RegistryOptions options, TimeProvider time, ServedCheck served) =>
        new(connection, limits, options, time, served);

    /// <summary>
    /// A client that gives up on a call well before the work as a whole is given up: were both limits the same, chance would decide
    /// which of two sentences the same fault gets.
    /// </summary>
    private static KubernetesClientOptions ClientOptions(TimeSpan workLimit)
    {
        var defaults = new KubernetesClientOptions();
        var total = workLimit * 0.75;
        return defaults with { TotalTimeout = total,
            CallTimeout = TimeSpan.FromTicks(Math.Min(defaults.CallTimeout.Ticks, (total / 2).Ticks)) };
    }

    /// <summary>
    /// Before the cluster exists: the root CA, and the trust bundle that nodes will be created with. Two reads when there
    /// is nothing to do.
    /// </summary>
    public Task<RegistryOutcome> PrepareAsync(Cluster cluster, CancellationToken cancellationToken) =>
        RunAsync(cluster, _steps.PrepareAsync, cancellationToken);

    /// <summary>Once the control plane answers: the server certificate on it, and the chart. Never waits for Helm.</summary>
    public Task<RegistryOutcome> InstallAsync(Cluster cluster, CancellationToken cancellationToken) =>
        RunAsync(cluster, (plan, context, token) => _steps.InstallAsync(plan, null, context, token), cancellationToken);

    /// <summary>
    /// Before an upgrade: as <see cref="InstallAsync"/>, and the server certificate is renewed once per target version.
    /// Whatever is in the way for longer than <see cref="RegistryOptions.UpgradeBlockLimit"/> ends in
    /// <see cref="OutcomeKind.LetGo"/> and a Warning Event. So does content that the registry does not hold yet, after
    /// <see cref="RegistryOptions.ContentBlockLimit"/>.
    /// </summary>
    /// <param name="cluster">The Cluster as the hook request shows it.</param>
    /// <param name="targetVersion">The Kubernetes version that the cluster is upgraded to.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<RegistryOutcome> UpgradeAsync(Cluster cluster, string targetVersion, CancellationToken cancellationToken)
    {
        string? missing = null;
        var outcome = await RunAsync(
            cluster,
            async (plan, context, token) =>
            {
                var installed = await _steps.InstallAsync(plan, targetVersion, context, token);
                if (installed.Kind == OutcomeKind.Done)
                    missing = await _content.FindUpgradeObstacleAsync(plan, targetVersion, token);
                return installed;
            },
            cancellationToken);
        using var limit = new FollowUp(this, cancellationToken);
        switch (outcome.Kind)
        {
            case OutcomeKind.Done:
                await _hold.EndAsync(cluster, targetVersion, limit.Token);
                return await AwaitContentAsync(cluster, targetVersion, outcome, missing, limit.Token);
            case OutcomeKind.NotWanted:
                return outcome;
            default:
                return await BlockAsync(_hold, cluster, targetVersion, outcome, limit.Token);
        }
    }

    private async Task<RegistryOutcome> AwaitContentAsync(
        Cluster cluster, string targetVersion, RegistryOutcome outcome, string? missing, CancellationToken cancellationToken)
    {
        if (missing is not null)
        {
            var waiting = RegistryOutcome.Waiting(missing) with { Changes = outcome.Changes };
            return await BlockAsync(_contentHold, cluster, targetVersion, waiting, cancellationToken);
        }

        await _contentHold.EndAsync(cluster, targetVersion, cancellationToken);
        return outcome;
    }

    private static async Task<RegistryOutcome> BlockAsync(
        UpgradeBlockDeadline hold, Cluster cluster, string targetVersion, RegistryOutcome outcome, CancellationToken cancellationToken) =>
        await hold.IsOverAsync(cluster, targetVersion, outcome.Reason, cancellationToken) ? outcome.LetGo(hold.Omission) : outcome;

    /// <summary>Ends the connections.</summary>
    public void Dispose()
    {
        _workloads.Dispose();
        _management.Dispose();
    }

    /// <summary>
    /// Nothing that this program does wrong stops a Cluster for good: creation is retried, the reconciler takes over, and an upgrade is
    /// blocked for as long as by any other fault.
    /// </summary>
    private async Task<RegistryOutcome> RunAsync(
        Cluster cluster, Func<RegistryPlan, ReconcileContext, CancellationToken, Task<RegistryOutcome>> act,
        CancellationToken cancellationToken)
    {
        try
        {
            return await TryAsync(cluster, act, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return RegistryOutcome.Unexpected(exception);
        }
    }

    private async Task<RegistryOutcome> TryAsync(
        Cluster cluster, Func<RegistryPlan, ReconcileContext, CancellationToken, Task<RegistryOutcome>> act,
        CancellationToken cancellationToken)
    {
        switch (RegistryPlan.Create(cluster, _options))
        {
            case PlanResult.Wanted wanted:
                var context = new ReconcileContext { Cluster = cluster };
                var outcome = await Attempt.RunAsync(
                    _options.WorkLimit, _time, wanted.Plan.RootSecret, token => act(wanted.Plan, context, token), cancellationToken);
                using (var limit = new FollowUp(this, cancellationToken))
                    await _events.RecordChangesAsync(context, limit.Token);
                return outcome with { Changes = context.Changes };
            case PlanResult.Invalid invalid:
                return RegistryOutcome.Invalid(Problem.Describe(invalid.Problems));
            default:
                return RegistryOutcome.NotWanted;
        }
    }

    /// <summary>
    /// Bounds what comes after an attempt, Events and the deadline of an upgrade, so that the answer is on its way before the handler's
    /// 8 s are over: half of what the attempt leaves of them for each.
    /// </summary>
    private sealed class FollowUp : IDisposable
    {
        private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(7.8);

        private readonly CancellationTokenSource _limit;
        private readonly CancellationTokenSource _either;

        public FollowUp(RegistryLifecycle owner, CancellationToken cancellationToken)
        {
            _limit = new CancellationTokenSource((AnswerLimit - owner._options.WorkLimit) / 2, owner._time);
            _either = CancellationTokenSource.CreateLinkedTokenSource(_limit.Token, cancellationToken);
        }

        public CancellationToken Token => _either.Token;

        public void Dispose()
        {
            _either.Dispose();
            _limit.Dispose();
        }
    }
}
