using System.Globalization;

namespace CapiRegistryHook.Content.Charts;

/// <summary>Versions of charts in the order of Semantic Versioning; what is none of its versions comes before all others.</summary>
internal static class ChartVersion
{
    public static readonly IComparer<string> Order = Comparer<string>.Create(Compare);

    /// <summary>True for versions such as 1.0.0-rc.1, which nobody gets without asking.</summary>
    public static bool IsPrerelease(string version) => version.Split('+')[0].Contains('-', StringComparison.Ordinal);

    private static int Compare(string left, string right)
    {
        var (a, b) = (Split(left), Split(right));
        for (var place = 0; place < 3; place++)
        {
            if (a.Numbers[place].CompareTo(b.Numbers[place]) is var order and not 0)
                return order;
        }

        // A release comes after its candidates.
        if (a.Prerelease.Length == 0 || b.Prerelease.Length == 0)
            return b.Prerelease.Length.CompareTo(a.Prerelease.Length);
        return a.Prerelease.Zip(b.Prerelease, Identifier).FirstOrDefault(order => order != 0,
            a.Prerelease.Length.CompareTo(b.Prerelease.Length));
    }

    private static int Identifier(string left, string right) => (Number(left), Number(right)) switch
    {
        ( >= 0, >= 0) numbers => numbers.Item1.CompareTo(numbers.Item2),
        ( >= 0, _) => -1,
        (_, >= 0) => 1,
        _ => string.CompareOrdinal(left, right),
    };

    private static (long[] Numbers, string[] Prerelease) Split(string version)
    {
        var core = version.TrimStart('v').Split('+')[0];
        var dash = core.IndexOf('-', StringComparison.Ordinal);
        var numbers = (dash < 0 ? core : core[..dash]).Split('.').Select(Number).Concat([0L, 0L, 0L]).Take(3).ToArray();
        return (numbers, dash < 0 ? [] : core[(dash + 1)..].Split('.'));
    }

    private static long Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
}
