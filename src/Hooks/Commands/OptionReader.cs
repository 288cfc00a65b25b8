using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace CapiRegistryHook.Hooks.Commands;

/// <summary>Reads typed options and collects one sentence for each that can't be used, so that all are named at once.</summary>
internal sealed partial class OptionReader(IReadOnlyDictionary<string, SourcedText> set, ICollection<string> problems)
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
    public TimeSpan Duration(string name, TimeSpan fallback, TimeSpan most)
    {
        if (!set.TryGetValue(name, out var text))
            return fallback;
        if (TryParseDuration(text.Value, out var duration) && duration <= most)
            return duration;
        problems.Add($"{text.Source} has the value \"{text.Value}\"; use a duration like 30s or 10m, at most {most.TotalSeconds.ToString(CultureInfo.InvariantCulture)}s.");
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

    /// <summary>The words that say where an option was set; its flag when it was not.</summary>
    public string SourceOf(string name) => set.TryGetValue(name, out var text) ? text.Source : "--" + name;

    /// <summary>"::9443" is an address without a port, and would be given a free one.</summary>
    private static bool HasPort(string text)
    {
        var colon = text.LastIndexOf(':');
        return colon > 0 && (text[colon - 1] == ']' || text.IndexOf(':', StringComparison.Ordinal) == colon);
    }

    private static bool TryParseDuration(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        var match = DurationText().Match(text);
        if (!match.Success || text.Length == 0)
            return false;
        double Part(string unit) => match.Groups[unit].Success ? double.Parse(match.Groups[unit].Value, CultureInfo.InvariantCulture) : 0;
        duration = TimeSpan.FromHours(Part("h")) + TimeSpan.FromMinutes(Part("m")) + TimeSpan.FromSeconds(Part("s"));
        return true;
    }

    [GeneratedRegex("^((?<h>[0-9]{1,4})h)?((?<m>[0-9]{1,6})m)?((?<s>[0-9]{1,6})s)?\\z", RegexOptions.CultureInvariant)]
    private static partial Regex DurationText();
}
