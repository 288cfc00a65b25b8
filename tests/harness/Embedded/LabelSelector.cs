using System.Text.RegularExpressions;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>A labelSelector: requirements joined by comma; k=v, k==v, k!=v, k, !k, k in (a,b), k notin (a,b).</summary>
internal sealed partial class LabelSelector
{
    private readonly List<Func<IReadOnlyDictionary<string, string>, bool>> _requirements = [];

    public bool Matches(IReadOnlyDictionary<string, string> labels) => _requirements.TrueForAll(requirement => requirement(labels));

    public bool SelectsAll => _requirements.Count == 0;

    public static LabelSelector Parse(string? text)
    {
        var selector = new LabelSelector();
        foreach (var part in Split(text ?? "")) selector._requirements.Add(Requirement(part));
        return selector;
    }

    private static Func<IReadOnlyDictionary<string, string>, bool> Requirement(string text)
    {
        if (SetBased().Match(text) is { Success: true } set)
        {
            var values = set.Groups["values"].Value.Split(',', StringSplitOptions.TrimEntries).ToHashSet(StringComparer.Ordinal);
            var key = set.Groups["key"].Value;
            return set.Groups["operator"].Value == "in"
                ? labels => labels.TryGetValue(key, out var value) && values.Contains(value)
                : labels => !labels.TryGetValue(key, out var value) || !values.Contains(value);
        }

        if (Equality().Match(text) is { Success: true } equality)
        {
            var (key, wanted) = (equality.Groups["key"].Value, equality.Groups["value"].Value);
            return equality.Groups["operator"].Value == "!="
                ? labels => !labels.TryGetValue(key, out var value) || value != wanted
                : labels => labels.TryGetValue(key, out var value) && value == wanted;
        }

        if (Existence().Match(text) is not { Success: true } existence) throw ApiError.BadRequest($"unable to parse requirement: {text}");
        var name = existence.Groups["key"].Value;
        return existence.Groups["not"].Length > 0 ? labels => !labels.ContainsKey(name) : labels => labels.ContainsKey(name);
    }

    // Commas inside the parentheses of a set do not part requirements.
    private static IEnumerable<string> Split(string text) =>
        Commas().Split(text).Select(part => part.Trim()).Where(part => part.Length > 0);

    private const string Key = "(?<key>[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?)";

    [GeneratedRegex(@",(?![^(]*\))")]
    private static partial Regex Commas();

    [GeneratedRegex($@"^{Key}\s+(?<operator>in|notin)\s*\((?<values>[^()]*)\)$")]
    private static partial Regex SetBased();

    [GeneratedRegex($@"^{Key}\s*(?<operator>==|=|!=)\s*(?<value>[A-Za-z0-9_.-]*)$")]
    private static partial Regex Equality();

    [GeneratedRegex($@"^(?<not>!?)\s*{Key}$")]
    private static partial Regex Existence();
}
