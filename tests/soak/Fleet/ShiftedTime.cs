namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>The simulation's present, from which time goes on as on any machine.</summary>
internal sealed class ShiftedTime(DateTimeOffset start) : TimeProvider
{
    private readonly TimeSpan _shift = start - System.GetUtcNow();

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _shift;
}
