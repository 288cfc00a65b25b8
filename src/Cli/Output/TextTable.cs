using System.Text;

namespace CapiRegistryHook.Cli.Output;

/// <summary>Tables for people.</summary>
internal static class TextTable
{
    /// <summary>Columns as wide as their widest cell, the last one without padding. Control characters are replaced, because cells may
    /// come from others.</summary>
    /// <param name="heads">The heads, in capitals.</param>
    /// <param name="rows">The rows, each with as many cells as there are heads.</param>
    /// <param name="colorOf">The colour of a cell, by its row and column; null for none.</param>
    public static string Write(string[] heads, IEnumerable<string[]> rows, Func<int, int, string?>? colorOf = null)
    {
        string[][] all = [heads, .. rows.Select(row => row.Select(Printable).ToArray())];
        var widths = heads.Select((_, column) => all.Max(row => row[column].Length)).ToList();
        var text = new StringBuilder();
        for (var row = 0; row < all.Length; row++)
        {
            var cells = all[row].Select((cell, column) =>
                TerminalColor.Paint(cell.PadRight(widths[column]), row > 0 && cell.Length > 0 ? colorOf?.Invoke(row - 1, column) : null));
            text.Append(string.Join("  ", cells).TrimEnd()).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The text on one line that no terminal takes for a command.</summary>
    public static string Printable(string text) => !text.Any(char.IsControl) ? text
        : string.Concat(text.Select(character => char.IsControl(character) ? '?' : character));
}
