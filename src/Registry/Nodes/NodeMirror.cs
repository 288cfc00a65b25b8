using System.Text;

namespace CapiRegistryHook.Registry.Nodes;

/// <summary>One host that containerd asks for images.</summary>
/// <param name="Url">What stands before the name of a repository.</param>
/// <param name="CaPath">The file on the node that verifies it; null for the node's own authorities.</param>
/// <param name="Login">The name of the login's file on the node; null for none.</param>
internal sealed record NodeMirror(string Url, string? CaPath, string? Login)
{
    /// <summary>The cluster's registry or one of its caches, and no mirror of others.</summary>
    public bool IsOwn { get; init; }

    private const string Header = "# Written by capi-registry-hook when this node was created.\n";

    /// <summary>
    /// A hosts file that asks these mirrors in order, then the upstream registry or, when strict, nobody: containerd takes its server for
    /// the last one. It is listed as a host too when it is alone, because containerd 1.6 refuses a file that has none (seen).
    /// </summary>
    public static string Text(IReadOnlyList<NodeMirror> mirrors, string dialTimeout, bool strict)
    {
        var text = new StringBuilder(Header);
        if (strict)
            mirrors[^1].AppendAsServer(text, dialTimeout);
        foreach (var mirror in strict && mirrors.Count > 1 ? mirrors.SkipLast(1) : mirrors)
            mirror.AppendAsHost(text, dialTimeout);
        return text.ToString();
    }

    private void AppendAsServer(StringBuilder text, string dialTimeout)
    {
        text.Append("server = \"").Append(Url).Append("\"\n");
        AppendSettings(text, dialTimeout, indent: "");
        AppendLogin(text, "\n[header]\n  ");
    }

    private void AppendAsHost(StringBuilder text, string dialTimeout)
    {
        text.Append("\n[host.\"").Append(Url).Append("\"]\n");
        AppendSettings(text, dialTimeout, indent: "  ");
        AppendLogin(text, $"  [host.\"{Url}\".header]\n    ");
    }

    private void AppendSettings(StringBuilder text, string dialTimeout, string indent)
    {
        text.Append(indent).Append("capabilities = [\"pull\", \"resolve\"]\n");
        if (CaPath is not null)
            text.Append(indent).Append("ca = \"").Append(CaPath).Append("\"\n");
        text.Append(indent).Append("override_path = true\n");
        text.Append(indent).Append("dial_timeout = \"").Append(dialTimeout).Append("\"\n");
    }

    /// <summary>A hosts file can't name another file for a header, so a script on the node puts the login here.</summary>
    private void AppendLogin(StringBuilder text, string table)
    {
        if (Login is not null)
            text.Append(table).Append("Authorization = [\"Basic @").Append(Login).Append("@\"]\n");
    }
}
