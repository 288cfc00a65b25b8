namespace CapiRegistryHook.Registry.Nodes;

/// <summary>The scripts that run on nodes; docs/nodes.md says what they do and when. Each version stays as it was released.</summary>
internal static class NodeScripts
{
    private static readonly Lazy<string> ConfigPathV1Text = new(() => Read("config-path-v1.sh"));
    private static readonly Lazy<string> ConfigPathV3Text = new(() => Read("config-path-v3.sh"));
    private static readonly Lazy<string> MirrorLoginText = new(() => Read("mirror-login-v2.sh"));

    /// <summary>Makes containerd read the hosts files; in versions 1 and 2.</summary>
    public static string ConfigPathV1 => ConfigPathV1Text.Value;

    /// <summary>The same, for what containerd 2 does otherwise; from version 3 on.</summary>
    public static string ConfigPathV3 => ConfigPathV3Text.Value;

    /// <summary>Puts logins into the hosts files.</summary>
    public static string MirrorLogin => MirrorLoginText.Value;

    private static string Read(string resource)
    {
        using var stream = typeof(NodeScripts).Assembly.GetManifestResourceStream(resource)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
