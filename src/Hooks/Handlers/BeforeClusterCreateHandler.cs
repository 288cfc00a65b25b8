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

    private static HookOutcome.Blocking ToHookOutcome(RegistryOutcome outcome) => outcome switch
    {
        RegistryOutcome.Invalid invalid => HookOutcome.Blocking.Fail(invalid.Reason),
        RegistryOutcome.Refused refused => HookOutcome.Blocking.Fail(refused.Reason),
        RegistryOutcome.Waiting waiting => HookOutcome.Blocking.Block(RetryAfter, waiting.Reason),
        RegistryOutcome.Unavailable unavailable => HookOutcome.Blocking.Block(RetryAfter, unavailable.Reason),
        _ => HookOutcome.Blocking.Proceed(),
    };
}
