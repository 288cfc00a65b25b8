using System.Text;

namespace CapiRegistryHook.Cli.Output;

/// <summary>Tables for people.</summary>
internal static class TextTable
{
    /// <summary>Columns as wide as their widest cell, the last one without padding. Control characters are replaced, because cells may
    /// come from others.</summary>
    /// <param name="heads">The heads, in capitals.</param>
    /// <param name="rows">The rows, each with as many cells as there are heads.</param>
    public static string Write(string[] heads, IEnumerable<string[]> rows)
    {
        string[][] all = [heads, .. rows.Select(row => row.Select(Printable).ToArray())];
        var widths = heads.Select((_, column) => all.Max(row => row[column].Length)).ToList();
        var text = new StringBuilder();
        foreach (var row in all)
            text.Append(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd()).Append('\n');
        return text.ToString();
    }

    /// <summary>The text on one line that no terminal takes for a command.</summary>
    public static string Printable(string text) => !text.Any(char.IsControl) ? text
        : string.Concat(text.Select(character => char.IsControl(character) ? '?' : character));
}
