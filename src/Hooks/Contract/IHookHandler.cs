namespace CapiRegistryHook.Hooks.Contract;

/// <summary>Answers one hook, as <see cref="HookEndpoint"/> sees it: it does the HTTP around all of them alike.</summary>
internal interface IHookHandler
{
    HookRegistration Registration { get; }

    /// <summary>The answer when <see cref="HandleAsync"/> did not come to one in time.</summary>
    HookOutcome OutOfTime { get; }

    Task<HookOutcome> HandleAsync(HookRequest request, CancellationToken cancellationToken);
}

/// <summary>
/// Answers one hook with the outcomes that this hook has: a handler of <see cref="HookOutcome.NonBlocking"/> that tried to block
/// would not compile.
/// </summary>
internal interface IHookHandler<TOutcome> : IHookHandler
    where TOutcome : HookOutcome
{
    HookOutcome IHookHandler.OutOfTime => OutOfTime;

    /// <inheritdoc cref="IHookHandler.OutOfTime"/>
    new TOutcome OutOfTime { get; }

    async Task<HookOutcome> IHookHandler.HandleAsync(HookRequest request, CancellationToken cancellationToken) =>
        await HandleAsync(request, cancellationToken);

    /// <summary>Decides. Calling it twice must be safe.</summary>
    new Task<TOutcome> HandleAsync(HookRequest request, CancellationToken cancellationToken);
}
