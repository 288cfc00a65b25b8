using System.Text;

namespace CapiRegistryHook.Registry;

/// <summary>How fields and values from outside appear in sentences: short, printable, the same every time.</summary>
internal static class FieldText
{
    /// <summary>Longer values are cut: a condition on a Cluster is read by people.</summary>
    private const int LongestValue = 64;

    /// <summary>Turns the path of a JSON error ("$.spec.topology") into one that starts at <paramref name="root"/>.</summary>
    public static string Of(string root, string? jsonPath) =>
        Printable(root + (jsonPath?.StartsWith('$') == true ? jsonPath[1..] : ""));

    /// <summary>The value in double quotes, without control characters, cut at 64 characters.</summary>
    public static string Quote(string? value) => $"\"{Printable(value ?? "")}\"";

    private static string Printable(string value)
    {
        var text = new StringBuilder();
        foreach (var rune in value.EnumerateRunes())
        {
            if (text.Length >= LongestValue)
                return text.Append('…').ToString();
            text.Append(Rune.IsControl(rune) || rune.Value is '"' or 0xFFFD || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.Format ? "?" : rune.ToString());
        }

        return text.ToString();
    }
}
