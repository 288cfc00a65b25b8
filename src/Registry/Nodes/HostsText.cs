using System.Net;
using System.Net.Sockets;
using System.Text;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry.Nodes;

/// <summary>
/// Writes containerd's hosts files. containerd tries the hosts in the order of the file, then the server: the upstream registry
/// where the file names none.
/// </summary>
internal static class HostsText
{
    private const string Header = "# Written by capi-registry-hook when this node was created.\n";

    /// <summary>Pulls go to the balanced Service, then to the primary, then upstream; in strict mode the primary is the end.</summary>
    public static string OfMirror(MirrorEndpoint endpoint, string prefix)
    {
        var text = new StringBuilder(Header);
        if (endpoint.Mirror.Strict)
            text.Append("server = \"").Append(Url(endpoint.Primary, prefix)).Append("\"\n").Append(Settings(endpoint, indent: ""));
        AppendHost(text, Url(endpoint.Pull, prefix), endpoint);
        if (!endpoint.Mirror.Strict)
            AppendHost(text, Url(endpoint.Primary, prefix), endpoint);
        return text.ToString();
    }

    /// <summary>
    /// For images whose name starts with an address of the registry. A host of its own, because containerd 1.6 refuses a file that
    /// has none (seen).
    /// </summary>
    public static string OfRegistry(IPAddress address, MirrorEndpoint endpoint)
    {
        var text = new StringBuilder(Header);
        AppendHost(text, Url(address, ""), endpoint);
        return text.ToString();
    }

    private static void AppendHost(StringBuilder text, string url, MirrorEndpoint endpoint) =>
        text.Append("\n[host.\"").Append(url).Append("\"]\n").Append(Settings(endpoint, indent: "  "));

    /// <summary>With <c>override_path</c>, containerd adds nothing to the path of the address, not even <c>/v2</c>.</summary>
    private static string Url(IPAddress address, string prefix) =>
        $"https://{(address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address)}/v2{prefix}";

    private static string Settings(MirrorEndpoint endpoint, string indent) =>
        $"""
        {indent}capabilities = ["pull", "resolve"]
        {indent}ca = "{endpoint.CaPath}"
        {indent}override_path = true
        {indent}dial_timeout = "{endpoint.Mirror.DialTimeout}"

        """;
}

/// <summary>Where nodes find the registry.</summary>
/// <param name="Pull">The Service of all replicas.</param>
/// <param name="Primary">The Service of replica 0.</param>
/// <param name="CaPath">The file on the node that verifies them.</param>
/// <param name="Mirror">The user's settings.</param>
internal sealed record MirrorEndpoint(IPAddress Pull, IPAddress Primary, string CaPath, MirrorSettings Mirror);
