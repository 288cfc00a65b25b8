using CapiRegistryHook.Registry.Access;

namespace CapiRegistryHook.Cli.Options;

/// <summary>Where the management cluster is: the same for every command that talks to it.</summary>
internal static class ManagementOptionGroup
{
    private const string Kubeconfig = "kubeconfig";
    private const string Context = "context";

    private static readonly OptionGroup<ManagementConnection> Group =
        new OptionGroup<ManagementConnection>(new(KubeconfigFile: null, Context: null))
        .Add(Kubeconfig, OptionKind.OptionalText, connection => connection.KubeconfigFile,
            (connection, value) => connection with { KubeconfigFile = value },
            "Kubeconfig of the management cluster.", "the pod's service account")
        .Add(Context, OptionKind.OptionalText, connection => connection.Context, (connection, value) => connection with { Context = value },
            "Context of the kubeconfig.", "its current context");

    public static IReadOnlyList<ServiceOption> Options => Group.Options;

    public static ManagementConnection Read(OptionReader reader)
    {
        reader.RequireFile(Kubeconfig);
        if (reader.IsSet(Context) && !reader.IsSet(Kubeconfig))
            reader.Refuse(Context, $"needs a kubeconfig; set --{Kubeconfig} too.");
        return Group.Read(reader);
    }
}
