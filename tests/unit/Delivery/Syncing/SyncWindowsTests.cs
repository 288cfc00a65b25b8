using System.Globalization;
using CapiRegistryHook.Delivery.Syncing;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Unit.Tests.Delivery.Syncing;

public sealed class SyncWindowsTests
{
    /// <summary>2026-01-02 is a Friday.</summary>
    [Theory]
    [InlineData("22:00", "05:00", "", "2026-01-02T21:59:59Z", false)]
    [InlineData("22:00", "05:00", "", "2026-01-02T22:00:00Z", true)]
    [InlineData("22:00", "05:00", "", "2026-01-03T04:59:59Z", true)]
    [InlineData("22:00", "05:00", "", "2026-01-03T05:00:00Z", false)]
    [InlineData("22:00", "05:00", "Fri", "2026-01-03T04:00:00Z", true)]
    [InlineData("22:00", "05:00", "Sat", "2026-01-03T04:00:00Z", false)]
    [InlineData("22:00", "05:00", "Sat", "2026-01-04T04:00:00Z", true)]
    [InlineData("08:00", "12:00", "", "2026-01-02T09:00:00+02:00", false)]
    [InlineData("08:00", "12:00", "", "2026-01-02T11:00:00+02:00", true)]
    [InlineData("00:00", "00:00", "Fri", "2026-01-02T13:00:00Z", true)]
    [InlineData("00:00", "00:00", "Fri", "2026-01-03T13:00:00Z", false)]
    public void IsOpen_AtAMoment_IsAsTheWindowSays(string from, string to, string days, string moment, bool isOpen) =>
        Assert.Equal(isOpen, SyncWindows.IsOpen([new SyncWindow(from, to, days.Length == 0 ? null : [days])],
            DateTimeOffset.Parse(moment, CultureInfo.InvariantCulture)));

    [Fact]
    public void IsOpen_NoWindows_IsAlways() => Assert.True(SyncWindows.IsOpen(null, default) && SyncWindows.IsOpen([], default));
}
