using System.Globalization;
using System.Net;

namespace CapiRegistryHook.Cli.Options;

/// <summary>How an option of one type is read from text, and written as a default.</summary>
/// <param name="Values">The values that it takes.</param>
/// <param name="Remedy">What to use instead of a text that can't be read: "use a number from 1 to 64".</param>
/// <param name="Parse">Reads a text; false when it can't be used.</param>
/// <param name="Write">The text of a value; empty for none.</param>
internal sealed record OptionKind<TValue>(
    OptionValues Values, string Remedy, OptionKind<TValue>.Parser Parse, Func<TValue, string> Write)
{
    public delegate bool Parser(string text, out TValue value);
}

/// <summary>The kinds of options there are.</summary>
internal static class OptionKind
{
    /// <summary>Any text; what is wrong with it is found when all options are checked together.</summary>
    public static OptionKind<string> Text { get; } = new(new TextValues(), "", TakeText, text => text);

    /// <summary>Any text; an empty one is none.</summary>
    public static OptionKind<string?> OptionalText { get; } = new(new TextValues(), "", TakeOptionalText, text => text ?? "");

    /// <summary>Texts separated by commas, kept as one text.</summary>
    public static OptionKind<string> CommaSeparated { get; } = new(new ListValues(), "", TakeText, text => text);

    /// <summary>Texts separated by commas; blanks around each are left out.</summary>
    public static OptionKind<IReadOnlyList<string>> List { get; } = new(
        new ListValues(), "use one or more names, separated by commas", TryParseList, names => string.Join(',', names));

    /// <summary>An IP address with a port.</summary>
    public static OptionKind<IPEndPoint> Endpoint { get; } =
        new(new EndpointValues(), "use an address and a port like 0.0.0.0:9443 or [::]:9443", TryParseEndpoint, ToText);

    /// <summary>As <see cref="Endpoint"/>; an empty text means none.</summary>
    public static OptionKind<IPEndPoint?> OptionalEndpoint { get; } =
        new(Endpoint.Values, Endpoint.Remedy, TryParseOptionalEndpoint, endpoint => endpoint is null ? "" : ToText(endpoint));

    /// <summary>One of the words of an enumeration, in the same case.</summary>
    public static OptionKind<TEnum> Choice<TEnum>()
        where TEnum : struct, Enum
    {
        var words = Enum.GetNames<TEnum>();
        return new(new WordValues(words), $"use one of {string.Join(", ", words)}", TryParse, value => value.ToString());

        bool TryParse(string text, out TEnum value)
        {
            value = default;
            return words.Contains(text) && Enum.TryParse(text, out value);
        }
    }

    /// <summary>One of a few words; any other text is found when all options are checked together.</summary>
    public static OptionKind<string> Word(IReadOnlyList<string> words) => new(new WordValues(words), "", TakeText, text => text);

    /// <summary>A whole number from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public static OptionKind<int> Number(int least, int most)
    {
        var values = new NumberValues(least, most);
        return new(values, $"use a number from {least} to {most}", TryParse, value => value.ToString(CultureInfo.InvariantCulture));

        bool TryParse(string text, out int value) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most;
    }

    /// <summary>A duration from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public static OptionKind<TimeSpan> Duration(TimeSpan least, TimeSpan most)
    {
        var values = new DurationValues(least, most);
        return new(values, $"use a duration like 30s or 10m, {values.Range}", TryParse, DurationText.Write);

        bool TryParse(string text, out TimeSpan value) => DurationText.TryParse(text, out value) && value >= least && value <= most;
    }

    private static bool TakeText(string text, out string value)
    {
        value = text;
        return true;
    }

    private static bool TakeOptionalText(string text, out string? value)
    {
        value = text.Length == 0 ? null : text;
        return true;
    }

    private static bool TryParseList(string text, out IReadOnlyList<string> value)
    {
        value = [
            .. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal)];
        return text.Length == 0 || value.Count > 0;
    }

    private static bool TryParseEndpoint(string text, out IPEndPoint value)
    {
        var isRead = HasPort(text) & IPEndPoint.TryParse(text, out var endpoint);
        value = endpoint!;
        return isRead;
    }

    private static bool TryParseOptionalEndpoint(string text, out IPEndPoint? value)
    {
        value = null;
        return text.Length == 0 || TryParseEndpoint(text, out value);
    }

    private static string ToText(IPEndPoint endpoint) => endpoint.ToString();

    /// <summary>"::9443" is an address without a port, and would be given a free one.</summary>
    private static bool HasPort(string text)
    {
        var colon = text.LastIndexOf(':');
        return colon > 0 && (text[colon - 1] == ']' || text.IndexOf(':', StringComparison.Ordinal) == colon);
    }
}
