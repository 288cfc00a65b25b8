using System.Globalization;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>One number with a unit of Go's durations, as containerd reads it from a hosts file.</summary>
internal static class ShortDuration
{
    /// <summary>More than this is not a limit at all for somebody who waits for an image.</summary>
    private const decimal MostMilliseconds = 5 * 60 * 1000;

    public static bool IsValid(string text)
    {
        var (unit, milliseconds) = text switch
        {
            _ when text.EndsWith("ms", StringComparison.Ordinal) => (2, 1),
            _ when text.EndsWith('s') => (1, 1000),
            _ when text.EndsWith('m') => (1, 60_000),
            _ => (0, 0),
        };
        var number = text[..^unit];
        return unit > 0 && number.Length > 0 && char.IsAsciiDigit(number[0]) && char.IsAsciiDigit(number[^1])
            && decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && value > 0 && value <= MostMilliseconds / milliseconds;
    }
}
