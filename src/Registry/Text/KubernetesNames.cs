using System.Security.Cryptography;
using System.Text;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Text;

/// <summary>The name rules of Kubernetes (RFC 1123) that decide what may go into names, labels and DNS names.</summary>
internal static class KubernetesNames
{
    private const int LongestLabel = 63;
    private const int LongestSubdomain = 253;
    private const int DigestLength = 8;

    public static bool IsLabel(string? text) =>
        text is { Length: > 0 and <= LongestLabel } && text.All(letter => IsAlphanumeric(letter) || letter == '-')
        && IsAlphanumeric(text[0]) && IsAlphanumeric(text[^1]);

    public static bool IsSubdomain(string? text) =>
        text is { Length: > 0 and <= LongestSubdomain } && text.Split('.').All(IsLabel);

    /// <summary>Whether a text can stand in a path of the API, which is less than being a name.</summary>
    public static bool IsSegment(string text) => text is { Length: > 0 and <= LongestSubdomain } and not ("." or "..")
        && text.All(letter => letter is > ' ' and <= '~' and not ('/' or '%' or '\\'));

    /// <summary>
    /// A name with a suffix that fits into a label value, of 63 characters. Where both together are longer, the name is cut and followed by
    /// a digest of all of it: the same name always gives the same result, and different names differ.
    /// </summary>
    public static string Fit(string name, string suffix)
    {
        if (name.Length + suffix.Length <= LongestLabel)
            return name + suffix;
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..DigestLength];
        return $"{name[..(LongestLabel - suffix.Length - DigestLength - 1)].TrimEnd('-', '.')}-{digest}{suffix}";
    }

    public static bool TryParsePair(string text, out NamespacedName name)
    {
        var parts = text.Split('/');
        var valid = parts.Length == 2 && IsLabel(parts[0]) && IsSubdomain(parts[1]);
        name = valid ? new NamespacedName(parts[0], parts[1]) : default;
        return valid;
    }

    private static bool IsAlphanumeric(char letter) => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter);
}
