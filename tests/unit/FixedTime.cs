namespace CapiRegistryHook.Unit.Tests;

/// <summary>A clock that stands still until it is told otherwise.</summary>
internal sealed class FixedTime(DateTimeOffset now) : TimeProvider
{
    private DateTimeOffset _present = now;

    public override DateTimeOffset GetUtcNow() => _present;

    public void Advance(TimeSpan by) => _present += by;
}
