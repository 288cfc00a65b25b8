using System.Globalization;

namespace CapiRegistryHook.Cli.Output;

/// <summary>Sizes, rates and times as people read them.</summary>
internal static class ByteText
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>A size with at most one decimal, for example <c>1.5 GiB</c>.</summary>
    /// <param name="bytes">The size in bytes, 0 or more.</param>
    public static string Of(double bytes)
    {
        var unit = 0;
        // From 999.95 on, one decimal would be four digits.
        for (; bytes >= 999.95 && unit < Units.Length - 1; unit++)
            bytes /= 1024;
        return $"{bytes.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture)} {Units[unit]}";
    }

    /// <summary>A duration to the second, for example <c>1h02m</c>, <c>3m05s</c> or <c>12s</c>.</summary>
    public static string Of(TimeSpan duration) => duration switch
    {
        { TotalHours: >= 1 } => $"{(long)duration.TotalHours}h{duration.Minutes:00}m",
        { TotalMinutes: >= 1 } => $"{duration.Minutes}m{duration.Seconds:00}s",
        _ => $"{Math.Max(0, duration.Seconds)}s",
    };
}
