using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Outcomes;

namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>
/// Issues the server certificate into the workload cluster and requests the chart. It can't block, and never waits for Helm.
/// A Failure would stop the whole topology of the Cluster, so only a user's mistake is one; everything else is handed over to
/// the reconciler. Where that is off, every fault is a Failure, which brings the next call. Calling it twice is safe because a good
/// certificate is kept and an unchanged HelmChartProxy is not written.
/// </summary>
internal sealed class AfterControlPlaneInitializedHandler(
    RegistryLifecycle registry, ReconcilerOptions reconciler, ILogger<AfterControlPlaneInitializedHandler> logger)
    : IHookHandler<HookOutcome.NonBlocking>
{
    public HookRegistration Registration { get; } = new("AfterControlPlaneInitialized", timeoutSeconds: 10, FailurePolicy.Fail);

    public HookOutcome.NonBlocking OutOfTime => Postpone(Sentences.OutOfTime);

    public async Task<HookOutcome.NonBlocking> HandleAsync(HookRequest request, CancellationToken cancellationToken)
    {
        var outcome = await registry.InstallAsync(request.Cluster, cancellationToken);
        logger.LogOutcome(request.Cluster, outcome);
        return ToHookOutcome(outcome);
    }

    private HookOutcome.NonBlocking ToHookOutcome(RegistryOutcome outcome) => outcome.Kind switch
    {
        OutcomeKind.Done or OutcomeKind.NotWanted or OutcomeKind.LetGo => HookOutcome.NonBlocking.Proceed(),
        OutcomeKind.Invalid => HookOutcome.NonBlocking.Fail(outcome.Reason),
        OutcomeKind.Refused or OutcomeKind.Waiting or OutcomeKind.Failing or OutcomeKind.Unavailable => Postpone(outcome.Reason),
    };

    private HookOutcome.NonBlocking Postpone(string reason) => reconciler.Mode == ReconcilerMode.On
        ? HookOutcome.NonBlocking.HandOver($"The registry is not installed yet; the reconciler will retry. {reason}")
        : HookOutcome.NonBlocking.Fail(reason);
}
