using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Outcomes;

namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>
/// Makes sure that the root CA and the cluster CA Secret exist before the first node is made from them. Blocks while the
/// root is not there yet or the API server can't be used: a node created without the CA file would never trust the
/// registry. Calling it twice is safe because both objects are looked for first, and the root is only ever created.
/// </summary>
internal sealed class BeforeClusterCreateHandler(RegistryLifecycle registry, ILogger<BeforeClusterCreateHandler> logger)
    : IHookHandler<HookOutcome.Blocking>
{
    /// <summary>Cluster API 1.12 and later do not ask again before this has passed, so it is kept short.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    public HookRegistration Registration { get; } = new("BeforeClusterCreate", timeoutSeconds: 10, FailurePolicy.Fail);

    public HookOutcome.Blocking OutOfTime => HookOutcome.Blocking.Block(RetryAfter, Sentences.OutOfTime);

    public async Task<HookOutcome.Blocking> HandleAsync(HookRequest request, CancellationToken cancellationToken)
    {
        var outcome = await registry.PrepareAsync(request.Cluster, cancellationToken);
        logger.LogOutcome(request.Cluster, outcome);
        return ToHookOutcome(outcome);
    }

    private static HookOutcome.Blocking ToHookOutcome(RegistryOutcome outcome) => outcome.Kind switch
    {
        OutcomeKind.Done or OutcomeKind.NotWanted or OutcomeKind.LetGo => HookOutcome.Blocking.Proceed(),
        OutcomeKind.Invalid or OutcomeKind.Refused => HookOutcome.Blocking.Fail(outcome.Reason),
        OutcomeKind.Waiting or OutcomeKind.Failing or OutcomeKind.Unavailable => HookOutcome.Blocking.Block(RetryAfter, outcome.Reason),
    };
}
