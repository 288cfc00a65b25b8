namespace CapiRegistryHook.Registry.Nodes;

/// <summary>The scripts that run on nodes; docs/nodes.md says what they do and when. Each version stays as it was released.</summary>
internal static class NodeScripts
{
    private static readonly Lazy<string> ConfigPathText = new(() => Read("config-path-v1.sh"));
    private static readonly Lazy<string> MirrorLoginText = new(() => Read("mirror-login-v2.sh"));

    /// <summary>Makes containerd read the hosts files.</summary>
    public static string ConfigPath => ConfigPathText.Value;

    /// <summary>Puts logins into the hosts files.</summary>
    public static string MirrorLogin => MirrorLoginText.Value;

    private static string Read(string resource)
    {
        using var stream = typeof(NodeScripts).Assembly.GetManifestResourceStream(resource)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
