namespace CapiRegistryHook.Cli.Options;

/// <summary>Every option of the service, in the sections of docs/options.md.</summary>
internal static class OptionList
{
    public const string ConfigFile = "config";

    public static IReadOnlyList<(string Title, IReadOnlyList<ServiceOption> Options)> Sections { get; } =
    [
        ("What a registry is", RegistryOptionGroup.Options),
        ("The serving certificate", CertificateOptionGroup.Options),
        ("Listening, and who may call", ListenOptionGroup.Options),
        ("The reconciler", [RegistryOptionGroup.Namespaces, .. ReconcilerOptionGroup.Options]),
        ("The management cluster", ManagementOptionGroup.Options),
        ("Logs", LogOptionGroup.Options),
    ];

    public static IReadOnlyList<ServiceOption> All { get; } = [.. Sections.SelectMany(section => section.Options)];

    public static ServiceOption Config { get; } =
        new(ConfigFile, "Options file: one YAML document with a key per option.", new TextValues(), "");
}
