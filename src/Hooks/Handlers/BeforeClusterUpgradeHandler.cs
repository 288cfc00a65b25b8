using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Outcomes;

namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>
/// Renews the server certificate once per target version and brings trust and chart up to date before nodes are replaced.
/// Blocks on a fault, and while the registry does not hold the content that names the target version, but only for the admin's limits: then
/// the upgrade goes on, with a Warning Event on the Cluster. Calling it twice is safe because the version a certificate was renewed for is
/// written together with it.
/// </summary>
internal sealed class BeforeClusterUpgradeHandler(RegistryLifecycle registry, ILogger<BeforeClusterUpgradeHandler> logger)
    : IHookHandler<HookOutcome.Blocking>
{
    /// <summary>Cluster API 1.12 and later do not ask again before this has passed; short against the limit of 10 minutes.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(15);

    public HookRegistration Registration { get; } = new("BeforeClusterUpgrade", timeoutSeconds: 10, FailurePolicy.Fail);

    public HookOutcome.Blocking OutOfTime => HookOutcome.Blocking.Block(RetryAfter, Sentences.OutOfTime);

    public async Task<HookOutcome.Blocking> HandleAsync(HookRequest request, CancellationToken cancellationToken)
    {
        var target = request.ToKubernetesVersion ?? request.Cluster.Spec?.Topology?.Version;
        if (string.IsNullOrEmpty(target))
            throw new HookRequestException("The request has no field toKubernetesVersion.");

        var outcome = await registry.UpgradeAsync(request.Cluster, target, cancellationToken);
        logger.LogOutcome(request.Cluster, outcome);
        return ToHookOutcome(outcome);
    }

    private static HookOutcome.Blocking ToHookOutcome(RegistryOutcome outcome) => outcome.Kind switch
    {
        OutcomeKind.Done or OutcomeKind.NotWanted => HookOutcome.Blocking.Proceed(),
        OutcomeKind.Invalid => HookOutcome.Blocking.Fail(outcome.Reason),
        OutcomeKind.Refused or OutcomeKind.Waiting or OutcomeKind.Failing or OutcomeKind.Unavailable =>
            HookOutcome.Blocking.Block(RetryAfter, outcome.Reason),
        OutcomeKind.LetGo => HookOutcome.Blocking.LetGo($"Upgrade proceeds; {outcome.Omission}. {outcome.Reason}"),
    };
}
