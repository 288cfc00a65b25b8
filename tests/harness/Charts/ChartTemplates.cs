using System.Text.RegularExpressions;

namespace CapiRegistryHook.Harness.Charts;

/// <summary>What a chart's templates say, read as text.</summary>
public sealed partial class ChartTemplates(IReadOnlyList<string> files)
{
    private readonly string _text = string.Join('\n', files);

    /// <summary>
    /// Every path after <c>.Values</c>, and after a variable that holds them. A path may end at a group that a block or a partial takes
    /// apart.
    /// </summary>
    public IReadOnlyList<string> References()
    {
        var aliases = Alias().Matches(_text).Select(match => Regex.Escape(match.Groups[1].Value)).Append(@"\.Values");
        var reference = new Regex($@"(?:{string.Join('|', aliases)})((?:\.[A-Za-z0-9_]+)+)");
        return [.. reference.Matches(_text)
            .Select(match => match.Groups[1].Value[1..]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>Whether a template names the value, or a group around it and the value's last key.</summary>
    public bool Uses(string path) => References().Any(reference =>
        path == reference
        || reference.StartsWith(path + ".", StringComparison.Ordinal)
        || (path.StartsWith(reference + ".", StringComparison.Ordinal)
        && Regex.IsMatch(_text, $@"\.{Regex.Escape(path.Split('.')[^1])}\b")));

    /// <summary>Names of partials that could be another chart's.</summary>
    public IEnumerable<string> UnprefixedPartials(string chart) =>
        Partial()
            .Matches(_text).Select(match => match.Groups[1].Value).Where(name => !name.StartsWith(chart + ".", StringComparison.Ordinal));

    /// <summary>Calls whose result is not the same every time, or depends on what the cluster holds.</summary>
    public IEnumerable<string> UnstableCalls() => Unstable().Matches(Quoted().Replace(_text, "\"\"")).Select(match => match.Value);

    [GeneratedRegex(@"(\$[a-zA-Z]+)\s*:=\s*\.Values\s*-?\}\}")]
    private static partial Regex Alias();

    [GeneratedRegex(@"\bdefine\s+""([^""]+)""")]
    private static partial Regex Partial();

    [GeneratedRegex(@"""(\\.|[^""\\\n])*""")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\{\{[^}]*(?<![.\w])(lookup|rand[A-Za-z]+|gen(CA|PrivateKey|SelfSignedCert|SignedCert)[A-Za-z]*|uuidv4|now|htpasswd|bcrypt|derivePassword|getHostByName|shuffle)\s[^}]*\}\}")]
    private static partial Regex Unstable();
}
