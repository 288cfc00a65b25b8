using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Text;

/// <summary>The name rules of Kubernetes (RFC 1123) that decide what may go into names, labels and DNS names.</summary>
internal static class KubernetesNames
{
    public static bool IsLabel(string? text) =>
        text is { Length: > 0 and <= 63 } && text.All(letter => IsAlphanumeric(letter) || letter == '-')
        && IsAlphanumeric(text[0]) && IsAlphanumeric(text[^1]);

    public static bool IsSubdomain(string? text) =>
        text is { Length: > 0 and <= 253 } && text.Split('.').All(IsLabel);

    public static bool TryParsePair(string text, out NamespacedName name)
    {
        var parts = text.Split('/');
        var valid = parts.Length == 2 && IsLabel(parts[0]) && IsSubdomain(parts[1]);
        name = valid ? new NamespacedName(parts[0], parts[1]) : default;
        return valid;
    }

    private static bool IsAlphanumeric(char letter) => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter);
}
