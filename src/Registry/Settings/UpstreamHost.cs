using System.Globalization;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>The host of an upstream registry, for example <c>docker.io</c> or <c>registry.example.com:5000</c>.</summary>
internal static class UpstreamHost
{
    public static bool IsValid(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return KubernetesNames.IsSubdomain(colon < 0 ? text : text[..colon])
            && (colon < 0 || (text.Length - colon <= 6
            && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0));
    }

    /// <summary>The folder below <c>certs.d</c> that containerd (1.5 and later) looks into first for this host.</summary>
    public static string Directory(string host) => host.Contains(':', StringComparison.Ordinal) ? host.Replace(':', '_') + "_" : host;

    /// <summary>The host as the first part of a repository's name, which has no colons.</summary>
    public static string RepositoryPrefix(string host) => host.Replace(':', '_');
}
