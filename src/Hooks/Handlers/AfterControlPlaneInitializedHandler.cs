using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry;

namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>
/// Puts the server certificate on the workload cluster and asks for the chart. It can't block, and never waits for Helm.
/// Cluster API calls it until one Success and never again, so every fault is a Failure: it brings the next call. Calling
/// it twice is safe because a good certificate is kept and an unchanged HelmChartProxy is not written.
/// </summary>
internal sealed class AfterControlPlaneInitializedHandler(RegistryLifecycle registry, ILogger<AfterControlPlaneInitializedHandler> logger)
    : IHookHandler<HookOutcome.NonBlocking>
{
    public HookRegistration Registration { get; } = new("AfterControlPlaneInitialized", timeoutSeconds: 10, FailurePolicy.Fail);

    public HookOutcome.NonBlocking OutOfTime => HookOutcome.NonBlocking.Fail(Sentences.OutOfTime);

    public async Task<HookOutcome.NonBlocking> HandleAsync(HookRequest request, CancellationToken cancellationToken)
    {
        var outcome = await registry.InstallAsync(request.Cluster, cancellationToken);
        logger.LogOutcome(request.Cluster, outcome);
        return ToHookOutcome(outcome);
    }

    private static HookOutcome.NonBlocking ToHookOutcome(RegistryOutcome outcome) => outcome switch
    {
        RegistryOutcome.Invalid invalid => HookOutcome.NonBlocking.Fail(invalid.Reason),
        RegistryOutcome.Refused refused => HookOutcome.NonBlocking.Fail(refused.Reason),
        RegistryOutcome.Waiting waiting => HookOutcome.NonBlocking.Fail(waiting.Reason),
        RegistryOutcome.Unavailable unavailable => HookOutcome.NonBlocking.Fail(unavailable.Reason),
        _ => HookOutcome.NonBlocking.Proceed(),
    };
}
