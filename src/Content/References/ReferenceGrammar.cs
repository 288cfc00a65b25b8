using System.Net;
using System.Text.RegularExpressions;

namespace CapiRegistryHook.Content.References;

/// <summary>The parts of a reference, as the distribution project defines them; everything that ends up in a URL or a path goes through
/// here.</summary>
public static partial class ReferenceGrammar
{
    private const int LongestRepository = 255;
    private const string Label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
    private const string Component = @"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*";
    private const RegexOptions Linear = RegexOptions.CultureInvariant | RegexOptions.NonBacktracking;

    /// <summary>True for a registry: a DNS name, an IPv4 address or an IPv6 address in brackets, with or without a port.</summary>
    public static bool IsRegistry(string text)
    {
        var match = RegistryPattern().Match(text);
        if (!match.Success || text.Length > 259)
            return false;
        if (match.Groups["port"] is { Success: true } port && !ushort.TryParse(port.ValueSpan, out _))
            return false;
        return match.Groups["v6"] is not { Success: true } address || IPAddress.TryParse(address.Value, out _);
    }

    /// <summary>True for the path of a repository: at most 255 characters of lower-case components between slashes.</summary>
    public static bool IsRepository(string text) => text.Length <= LongestRepository && RepositoryPattern().IsMatch(text);

    /// <summary>True for a tag: at most 128 letters, digits, underscores, dots and dashes, the first no dot or dash.</summary>
    public static bool IsTag(string text) => TagPattern().IsMatch(text);

    [GeneratedRegex(@"\A(?:" + Label + @"(?:\." + Label + @")*|\[(?<v6>[0-9a-fA-F:.]{2,45})\])(?::(?<port>[0-9]{1,5}))?\z", Linear)]
    private static partial Regex RegistryPattern();

    [GeneratedRegex(@"\A" + Component + "(?:/" + Component + @")*\z", Linear)]
    private static partial Regex RepositoryPattern();

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\z", Linear)]
    private static partial Regex TagPattern();
}
