using System.Globalization;
using System.Text;

namespace CapiRegistryHook.Registry.Text;

/// <summary>How fields and values from outside appear in sentences: short, printable, the same every time.</summary>
public static class FieldText
{
    /// <summary>Longer values are cut: a condition on a Cluster is read by people.</summary>
    private const int LongestValue = 64;

    /// <summary>Enough for a field, its value and a remedy.</summary>
    private const int LongestSentence = 256;

    /// <summary>Turns the path of a JSON error ("$.spec.topology") into one that starts at <paramref name="root"/>.</summary>
    public static string Of(string root, string? jsonPath) =>
        Printable(root + (jsonPath?.StartsWith('$') == true ? jsonPath[1..] : ""));

    /// <summary>The value in double quotes, without control characters, cut at 64 characters.</summary>
    public static string Quote(string? value) => $"\"{Printable(value ?? "")}\"";

    /// <summary>A sentence that may quote text from outside, without control characters, cut at 256 characters.</summary>
    public static string Sentence(string text) => Printable(text, LongestSentence, quotes: true);

    /// <summary>As many whole characters as fit into that many bytes of UTF-8.</summary>
    internal static string Cut(string text, int mostBytes)
    {
        var (bytes, length) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > mostBytes)
                return text[..length];
            length += rune.Utf16SequenceLength;
        }

        return text;
    }

    /// <summary>Whether a namespace may have this name.</summary>
    public static bool IsNamespace(string name) => KubernetesNames.IsLabel(name);

    private static string Printable(string value, int longest = LongestValue, bool quotes = false)
    {
        var text = new StringBuilder();
        foreach (var rune in value.EnumerateRunes())
        {
            if (text.Length >= longest)
                return text.Append('…').ToString();
            text.Append(IsPlain(rune) && (quotes || rune.Value != '"') ? rune.ToString() : "?");
        }

        return text.ToString();
    }

    private static bool IsPlain(Rune rune) =>
        !Rune.IsControl(rune) && rune.Value != 0xFFFD && Rune.GetUnicodeCategory(rune) != UnicodeCategory.Format;
}
