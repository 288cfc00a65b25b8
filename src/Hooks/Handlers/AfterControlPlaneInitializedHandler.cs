using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Outcomes;

namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>
/// Puts the server certificate on the workload cluster and asks for the chart. It can't block, and never waits for Helm.
/// A Failure would stop the whole topology of the Cluster, so only a user's mistake is one; what else is in the way is handed over to
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

    private HookOutcome.NonBlocking ToHookOutcome(RegistryOutcome outcome) => outcome switch
    {
        RegistryOutcome.Invalid invalid => HookOutcome.NonBlocking.Fail(invalid.Reason),
        RegistryOutcome.Refused refused => Postpone(refused.Reason),
        RegistryOutcome.Waiting waiting => Postpone(waiting.Reason),
        RegistryOutcome.Unavailable unavailable => Postpone(unavailable.Reason),
        _ => HookOutcome.NonBlocking.Proceed(),
    };

    private HookOutcome.NonBlocking Postpone(string reason) => reconciler.Mode == ReconcilerMode.On
        ? HookOutcome.NonBlocking.HandOver($"The registry is not installed yet; this service goes on with it by itself. {reason}")
        : HookOutcome.NonBlocking.Fail(reason);
}
