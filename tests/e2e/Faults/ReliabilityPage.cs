using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests.Faults;

/// <summary>
/// docs/reliability.md has a line for each case. What must hold is asserted in the tests; the figures are those of the last run with
/// UPDATE_GOLDEN=1, since they differ from machine to machine.
/// </summary>
internal static class ReliabilityPage
{
    private static readonly Lock Gate = new();

    private static string FilePath => Path.Combine(RepositoryRoot.Find(), "docs", "reliability.md");

    /// <summary>Writes the line of a case, or sees that there is one.</summary>
    public static void Put(string name, params string[] cells)
    {
        lock (Gate)
        {
            var start = $"| {name} |";
            var lines = File.ReadAllLines(FilePath);
            var index = Array.FindIndex(lines, line => line.StartsWith(start, StringComparison.Ordinal));
            Assert.True(index >= 0, $"docs/reliability.md has no line that starts with \"{start}\".");
            if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") != "1")
                return;
            lines[index] = $"{start} {string.Join(" | ", cells)} |";
            File.WriteAllLines(FilePath, lines);
        }
    }

    public static string Seconds(TimeSpan time) => $"{time.TotalSeconds:F1} s";
}
