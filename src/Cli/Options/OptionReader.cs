using System.Globalization;
using System.Net;

namespace CapiRegistryHook.Cli.Options;

/// <summary>Reads typed options and collects one sentence for each that can't be used, so that all are named at once.</summary>
internal sealed class OptionReader(IReadOnlyDictionary<string, SourcedText> set, ICollection<string> problems)
{
    public string Text(string name, string fallback) => set.TryGetValue(name, out var text) ? text.Value : fallback;

    public string? OptionalText(string name) => set.TryGetValue(name, out var text) && text.Value.Length > 0 ? text.Value : null;

    public bool IsSet(string name) => set.ContainsKey(name);

    public string Required(string name)
    {
        if (OptionalText(name) is { } value)
            return value;
        problems.Add($"The option --{name} is missing.");
        return "";
    }

    public TEnum Choice<TEnum>(string name, TEnum fallback)
        where TEnum : struct, Enum
    {
        if (!set.TryGetValue(name, out var text))
            return fallback;
        if (Enum.GetNames<TEnum>().Contains(text.Value) && Enum.TryParse<TEnum>(text.Value, out var choice))
            return choice;
        problems.Add($"{text.Source} has the value \"{text.Value}\"; use one of {string.Join(", ", Enum.GetNames<TEnum>())}.");
        return fallback;
    }

    /// <summary>Durations as Kubernetes writes them: 90s, 10m, 1h30m.</summary>
    public TimeSpan Duration(string name, TimeSpan fallback, TimeSpan most, TimeSpan least = default)
    {
        if (!set.TryGetValue(name, out var text))
            return fallback;
        if (TryParseDuration(text.Value, out var duration) && duration <= most && duration >= least)
            return duration;
        var bounds = least > TimeSpan.Zero ? $"from {Seconds(least)} to {Seconds(most)}" : $"at most {Seconds(most)}";
        problems.Add($"{text.Source} has the value \"{text.Value}\"; use a duration like 30s or 10m, {bounds}.");
        return fallback;
    }

    /// <summary>Texts with commas between them; blanks around each are left out.</summary>
    public IReadOnlySet<string> Names(string name)
    {
        var names = Text(name, "")
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
        if (OptionalText(name) is { } text && names.Count == 0)
            problems.Add($"{SourceOf(name)} has the value \"{text}\"; use one or more names with commas between.");
        return names;
    }

    /// <summary>A whole number within bounds.</summary>
    public int Number(string name, int fallback, int least, int most)
    {
        if (!set.TryGetValue(name, out var text))
            return fallback;
        if (int.TryParse(text.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;
        problems.Add(string.Create(
            CultureInfo.InvariantCulture, $"{text.Source} has the value \"{text.Value}\"; use a number from {least} to {most}."));
        return fallback;
    }

    public IPEndPoint Endpoint(string name, IPEndPoint fallback)
    {
        if (!set.TryGetValue(name, out var text))
            return fallback;
        if (HasPort(text.Value) && IPEndPoint.TryParse(text.Value, out var endpoint))
            return endpoint;
        problems.Add($"{text.Source} has the value \"{text.Value}\"; use an address and a port like 0.0.0.0:9443 or [::]:9443.");
        return fallback;
    }

    /// <summary>As <see cref="Endpoint"/>, and an empty value means none.</summary>
    public IPEndPoint? OptionalEndpoint(string name, IPEndPoint? fallback) =>
        IsSet(name) && OptionalText(name) is null ? null : Endpoint(name, fallback!);

    /// <summary>The words that say where an option was set; its flag when it was not.</summary>
    public string SourceOf(string name) => set.TryGetValue(name, out var text) ? text.Source : "--" + name;

    private static string Seconds(TimeSpan duration) => duration.TotalSeconds.ToString(CultureInfo.InvariantCulture) + "s";

    /// <summary>"::9443" is an address without a port, and would be given a free one.</summary>
    private static bool HasPort(string text)
    {
        var colon = text.LastIndexOf(':');
        return colon > 0 && (text[colon - 1] == ']' || text.IndexOf(':', StringComparison.Ordinal) == colon);
    }

    /// <summary>Hours, minutes and seconds in this order, each at most once, six digits at most.</summary>
    private static bool TryParseDuration(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        var rest = text.AsSpan();
        foreach (var (unit, length) in new[] { ('h', TimeSpan.FromHours(1)), ('m', TimeSpan.FromMinutes(1)),
            ('s', TimeSpan.FromSeconds(1)) })
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
}
