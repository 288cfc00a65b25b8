using CapiRegistryHook.Cli.Options;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Ranges of what commands take on the command line alone.</summary>
internal static class ArgumentRanges
{
    /// <summary>Refuses a number outside of its range.</summary>
    public static void CheckRange(this OptionReader reader, string name, int value, int least, int most)
    {
        if (value < least || value > most)
            reader.Refuse(name, $"has the value {value}; use {least} to {most}.");
    }

    /// <summary>A duration of one second to a day; what can't be used is refused.</summary>
    public static TimeSpan ReadDuration(this OptionReader reader, string name, string text)
    {
        if (DurationText.TryParse(text, out var duration) && duration >= TimeSpan.FromSeconds(1) && duration <= TimeSpan.FromDays(1))
            return duration;
        reader.Refuse(name, $"has the value \"{text}\"; use a duration like 90s or 10m, from 1s to 24h.");
        return TimeSpan.FromSeconds(1);
    }

    /// <summary>An age of one hour to ten years; null without one. What can't be used is refused.</summary>
    public static TimeSpan? ReadAge(this OptionReader reader, string name, string? text)
    {
        if (text is null)
            return null;
        if (DurationText.TryParse(text, out var age) && age >= TimeSpan.FromHours(1) && age <= TimeSpan.FromDays(3650))
            return age;
        reader.Refuse(name, $"has the value \"{text}\"; use a duration like 720h, from 1h to 87600h.");
        return null;
    }

    /// <summary>The text of a file with certificates; null without a path, or when it can't be read, which is refused.</summary>
    public static string? ReadPem(this OptionReader reader, string name, string? path)
    {
        const int LargestFile = 1 << 20;
        try
        {
            if (path is null)
                return null;
            if (new FileInfo(path).Length <= LargestFile)
                return File.ReadAllText(path);
            reader.Refuse(name, $"names the file {path}, which is larger than 1 MiB.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            reader.Refuse(name, $"names the file {path}, which can't be read.");
        }

        return null;
    }
}
