using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Cli.Options;

/// <summary>Reads typed options and collects one sentence for each that can't be used, so that all are named at once.</summary>
internal sealed class OptionReader(IReadOnlyDictionary<string, SourcedText> set, List<string> problems)
{
    /// <summary>A sentence for each option that can't be used, in the order in which they were found.</summary>
    public IReadOnlyList<string> Problems => problems;

    /// <summary>Adds a sentence as it is.</summary>
    public void Refuse(string sentence) => problems.Add(sentence);

    /// <summary>Adds a sentence that starts with where the option was set.</summary>
    public void Refuse(string name, string sentence) => problems.Add($"{SourceOf(name)} {sentence}");

    /// <summary>Adds a sentence for each problem of a property; <paramref name="prefix"/> leads from the property to its option.</summary>
    public void Refuse(IEnumerable<Problem> found, string prefix = "")
    {
        foreach (var problem in found)
            Refuse(prefix + ServiceOption.NameOf(problem.Field), problem.Sentence);
    }

    /// <summary>Whether the option was set to something that can be used.</summary>
    public bool TryRead<TValue>(string name, OptionKind<TValue> kind, out TValue value)
    {
        value = default!;
        if (!set.TryGetValue(name, out var text))
            return false;
        if (kind.Parse(text.Value, out value))
            return true;
        Refuse(name, $"has the value \"{text.Value}\"; {kind.Remedy}.");
        return false;
    }

    public bool IsSet(string name) => set.ContainsKey(name);

    /// <summary>Refuses a file that does not exist.</summary>
    public void RequireFile(string name)
    {
        if (set.TryGetValue(name, out var path) && path.Value.Length > 0 && !File.Exists(path.Value))
            Refuse(name, $"names the file {path.Value}, which does not exist.");
    }

    /// <summary>Refuses an option that is not set.</summary>
    public void Require(string name)
    {
        if (!set.TryGetValue(name, out var text) || text.Value.Length == 0)
            problems.Add($"The option --{name} is missing.");
    }

    /// <summary>The words that say where an option was set; its flag when it was not.</summary>
    public string SourceOf(string name) => set.TryGetValue(name, out var text) ? text.Source : "--" + name;
}
