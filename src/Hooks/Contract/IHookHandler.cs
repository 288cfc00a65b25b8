namespace CapiRegistryHook.Hooks.Contract;

/// <summary>Answers one hook. <see cref="HookEndpoint"/> does the HTTP around it.</summary>
internal interface IHookHandler
{
    HookRegistration Registration { get; }

    Task<HookOutcome> HandleAsync(HookRequest request, CancellationToken cancellationToken);

    /// <summary>The answer when <see cref="HandleAsync"/> did not come to one in time.</summary>
    HookOutcome OutOfTime { get; }
}
