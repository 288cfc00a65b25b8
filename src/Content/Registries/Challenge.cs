namespace CapiRegistryHook.Content.Registries;

/// <summary>What a registry asks for in <c>WWW-Authenticate</c>.</summary>
/// <param name="Scheme"><c>bearer</c> or <c>basic</c>, in lower case.</param>
/// <param name="Parameters">Its parameters by lower-case name.</param>
internal sealed record Challenge(string Scheme, IReadOnlyDictionary<string, string> Parameters)
{
    private const int LongestHeader = 8 << 10;
    private const int MostParameters = 32;

    /// <summary>Reads a header; null for a malformed one.</summary>
    public static Challenge? Parse(string header)
    {
        var text = header.AsSpan().Trim();
        var space = text.IndexOf(' ');
        var scheme = (space < 0 ? text : text[..space]).ToString().ToLowerInvariant();
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        var rest = space < 0 ? [] : text[(space + 1)..];
        while (header.Length <= LongestHeader && !(rest = rest.TrimStart(" ,")).IsEmpty)
        {
            var equals = rest.IndexOf('=');
            if (equals <= 0 || parameters.Count >= MostParameters)
                return null;
            var name = rest[..equals].Trim().ToString().ToLowerInvariant();
            rest = rest[(equals + 1)..].TrimStart();
            if (!TakeValue(ref rest, out var value) || !parameters.TryAdd(name, value))
                return null;
        }

        return header.Length <= LongestHeader && scheme is "bearer" or "basic" ? new Challenge(scheme, parameters) : null;
    }

    private static bool TakeValue(ref ReadOnlySpan<char> rest, out string value)
    {
        if (rest is not ['"', ..])
        {
            var end = rest.IndexOf(',');
            value = (end < 0 ? rest : rest[..end]).Trim().ToString();
            rest = end < 0 ? [] : rest[end..];
            return true;
        }

        var text = new System.Text.StringBuilder();
        for (var place = 1; place < rest.Length; place++)
        {
            if (rest[place] == '"')
            {
                rest = rest[(place + 1)..];
                value = text.ToString();
                return true;
            }

            if (rest[place] == '\\' && ++place == rest.Length)
                break;
            text.Append(rest[place]);
        }

        value = "";
        return false;
    }
}
