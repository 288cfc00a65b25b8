using System.Globalization;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>When content may be sent.</summary>
internal static class SyncWindows
{
    /// <summary>Whether a moment lies in a window; always when there are none.</summary>
    /// <param name="windows">The windows, checked by <see cref="ContentRules"/>; null for none.</param>
    /// <param name="moment">The moment.</param>
    public static bool IsOpen(IReadOnlyList<SyncWindow>? windows, DateTimeOffset moment)
    {
        var now = moment.UtcDateTime;
        return windows is null or { Count: 0 } || windows.Any(window => IsIn(window, now, now) || IsIn(window, now, now.AddDays(-1)));
    }

    // A window that began the day before may still be open.
    private static bool IsIn(SyncWindow window, DateTime now, DateTime day)
    {
        var begin = day.Date + TimeOf(window.From!);
        var end = day.Date + TimeOf(window.To!);
        if (end <= begin)
            end = end.AddDays(1);
        return window.Days is null or { Count: 0 } || window.Days.Contains(day.DayOfWeek.ToString()[..3])
            ? begin <= now && now < end : false;
    }

    private static TimeSpan TimeOf(string text) => TimeSpan.ParseExact(text, @"hh\:mm", CultureInfo.InvariantCulture);
}
