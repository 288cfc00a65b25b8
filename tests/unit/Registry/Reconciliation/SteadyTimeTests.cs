using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

public sealed class SteadyTimeTests
{
    [Fact]
    public void GetUtcNow_ClockIsSet_GoesOnAsIfNothingHappened()
    {
        var time = new ManualTime();
        var clock = new ClockThatIsSet(time) { Offset = TimeSpan.FromHours(8) };
        var steady = new SteadyTime(clock);
        var start = steady.GetUtcNow();
        Assert.Equal(clock.GetUtcNow(), start);

        clock.Offset = TimeSpan.FromHours(-1);
        time.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(start + TimeSpan.FromMinutes(5), steady.GetUtcNow());
    }
}
