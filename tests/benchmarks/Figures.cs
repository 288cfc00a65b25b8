using System.Globalization;

namespace CapiRegistryHook.Benchmarks;

/// <summary>One line per figure: median, 99th percentile, extremes, and what it must keep to.</summary>
internal static class Figures
{
    public static void Print(string name, string unit, IReadOnlyList<double> values, string target)
    {
        var sorted = values.Order().ToList();
        Console.WriteLine(sorted.Count == 1
            ? $"{name}: {Number(sorted[0])} {unit} (must be {target})"
            : $"{name}: median {Number(At(sorted, 0.5))}, p99 {Number(At(sorted, 0.99))}, min {Number(sorted[0])}, max {Number(sorted[^1])} {unit} (must be {target}; n={sorted.Count})");
    }

    /// <summary>The smallest value that at least this share of the values does not exceed (nearest rank).</summary>
    private static double At(List<double> sorted, double share) => sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Count) - 1)];

    private static string Number(double value) => value.ToString(value < 10 ? "F2" : "F0", CultureInfo.InvariantCulture);
}
