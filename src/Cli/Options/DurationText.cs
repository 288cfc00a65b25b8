using System.Globalization;

namespace CapiRegistryHook.Cli.Options;

/// <summary>Durations as Kubernetes writes them: 90s, 10m, 1h30m.</summary>
internal static class DurationText
{
    private static readonly (char Unit, TimeSpan Length)[] Units =
        [('h', TimeSpan.FromHours(1)), ('m', TimeSpan.FromMinutes(1)), ('s', TimeSpan.FromSeconds(1))];

    /// <summary>Hours, minutes and seconds in this order, each at most once, six digits at most.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        var rest = text.AsSpan();
        foreach (var (unit, length) in Units)
        {
            var end = rest.IndexOf(unit);
            if (end < 0)
                continue;
            if (end > 6 || !int.TryParse(rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
                return false;
            duration += count * length;
            rest = rest[(end + 1)..];
        }

        return rest.IsEmpty && text.Length > 0;
    }

    /// <summary>The same duration without units that are zero; 0s for none. Fractions of a second are left out.</summary>
    public static string Write(TimeSpan duration)
    {
        var text = "";
        foreach (var (unit, length) in Units)
        {
            var count = (long)(duration / length);
            if (count > 0)
                text += $"{count}{unit}";
            duration -= count * length;
        }

        return text.Length > 0 ? text : "0s";
    }
}
