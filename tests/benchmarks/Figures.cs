using System.Globalization;

namespace CapiRegistryHook.Benchmarks;

/// <summary>One line per figure: median, 99th percentile, extremes, and what it must keep to.</summary>
internal static class Figures
{
    /// <param name="name">What was measured.</param>
    /// <param name="unit">Of the values.</param>
    /// <param name="values">One or more.</param>
    /// <param name="target">What they must keep to; empty where nothing is asked.</param>
    public static void Print(string name, string unit, IReadOnlyList<double> values, string target = "")
    {
        var sorted = values.Order().ToList();
        var figures = sorted.Count == 1
            ? Number(sorted[0])
            : $"median {Number(At(sorted, 0.5))}, p99 {Number(At(sorted, 0.99))}, min {Number(sorted[0])}, max {Number(sorted[^1])}";
        string[] notes = [target.Length > 0 ? $"must be {target}" : "", sorted.Count > 1 ? $"n={sorted.Count}" : ""];
        var note = string.Join("; ", notes.Where(text => text.Length > 0));
        Console.WriteLine($"{name}: {figures} {unit}{(note.Length > 0 ? $" ({note})" : "")}");
    }

    /// <summary>The smallest value that at least this share of the values does not exceed (nearest rank).</summary>
    private static double At(List<double> sorted, double share) => sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Count) - 1)];

    private static string Number(double value) => value.ToString(value < 10 ? "F2" : "F0", CultureInfo.InvariantCulture);
}
