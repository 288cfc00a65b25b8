namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>Fixed sentences that more than one handler says.</summary>
internal static class Sentences
{
    public const string OutOfTime = "Timed out while reconciling the registry; the next call tries again.";
}
