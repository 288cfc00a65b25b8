using System.Text.RegularExpressions;

namespace CapiRegistryHook.Delivery.Pruning;

/// <summary>What stays in a registry although nothing needs it.</summary>
/// <param name="Last">So many tags of each repository stay, the newest by the time in their configuration; 0 for none.</param>
/// <param name="Younger">What was built within this time stays; null for no such rule.</param>
/// <param name="Matching">Patterns for <c>repository:tag</c>, in which <c>*</c> stands for any characters; what matches one stays.</param>
public sealed record KeepRules(int Last, TimeSpan? Younger, IReadOnlyList<string> Matching)
{
    private readonly List<Regex> _patterns = [.. Matching.Select(pattern => new Regex(
        $"^{Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal)}$",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking))];

    /// <summary>Whether the time at which content was built matters.</summary>
    internal bool NeedTimes => Last > 0 || Younger is not null;

    internal bool Match(string repository, string tag) => _patterns.Exists(pattern => pattern.IsMatch($"{repository}:{tag}"));
}
