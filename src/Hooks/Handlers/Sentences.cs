namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>Fixed sentences that more than one handler says.</summary>
internal static class Sentences
{
    public const string OutOfTime = "The registry could not be looked after in time; the next call tries again.";
}
