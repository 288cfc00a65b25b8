using System.Net;
using System.Net.Sockets;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>The address of a mirror as containerd uses it, for example <c>https://mirror.example.com/v2/hub</c>.</summary>
internal static class MirrorUrl
{
    /// <summary>
    /// Only letters that mean nothing in TOML, a shell or a template: the URL ends up in a file on nodes. A URL without <c>/v2</c> would
    /// be asked for paths that no registry has.
    /// </summary>
    public static bool IsValid(string text)
    {
        const string Scheme = "https://";
        if (!text.StartsWith(Scheme, StringComparison.Ordinal))
            return false;
        var parts = text[Scheme.Length..].Split('/');
        return IsHost(parts[0]) && parts.Contains("v2") && parts.Skip(1).All(part => part is not ("" or "." or "..") && part.All(IsPlain));
    }

    private static bool IsHost(string text)
    {
        if (!text.StartsWith('['))
            return UpstreamHost.IsValid(text);
        var end = text.IndexOf(']', StringComparison.Ordinal);
        return end > 0 && IPAddress.TryParse(text[1..end], out var address) && address.AddressFamily == AddressFamily.InterNetworkV6
            && !text.Contains('%', StringComparison.Ordinal) && UpstreamHost.IsValid($"host{text[(end + 1)..]}");
    }

    private static bool IsPlain(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-';
}
