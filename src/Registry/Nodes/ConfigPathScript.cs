namespace CapiRegistryHook.Registry.Nodes;

/// <summary>The script that makes containerd read the hosts files; docs/nodes.md says what it does and when.</summary>
internal static class ConfigPathScript
{
    private const string Resource = "config-path-v1.sh";

    private static readonly Lazy<string> Script = new(Read);

    public static string Text => Script.Value;

    private static string Read()
    {
        using var stream = typeof(ConfigPathScript).Assembly.GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
