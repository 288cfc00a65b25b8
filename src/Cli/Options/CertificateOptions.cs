using CapiRegistryHook.Registry.Serving;

namespace CapiRegistryHook.Cli.Options;

/// <summary>Where the serving certificate comes from.</summary>
internal enum CertificateSource
{
    /// <summary>From files that somebody else writes and renews.</summary>
    Files,

    /// <summary>From this process, under an authority in a Secret that all replicas share.</summary>
    SelfManaged,
}

/// <summary>The options of the serving certificate: those of the other source are refused, since they would do nothing.</summary>
internal static class CertificateOptions
{
    private const string Source = "tls-source";
    private const string CertificateFile = "tls-certificate-file";
    private const string KeyFile = "tls-key-file";

    private static readonly string[] OfFiles = [CertificateFile, KeyFile];
    private static readonly string[] OfSelfManaged = ["tls-names", "tls-authority-secret-name", "tls-public-secret-name",
        "tls-extension-config"];

    /// <summary>How the service makes its certificate; null when it comes from files.</summary>
    public static ServingOptions? ReadSelfManaged(OptionReader reader, string defaultName, ICollection<string> problems)
    {
        var source = reader.Choice(Source, CertificateSource.Files);
        foreach (var other in (source == CertificateSource.Files ? OfSelfManaged : OfFiles).Where(reader.IsSet))
            problems.Add($"{reader.SourceOf(other)} has no effect with {source} as --{Source}; leave it out.");
        return source == CertificateSource.Files ? null : Read(reader, defaultName, problems);
    }

    /// <summary>The files; empty when the service makes its certificate itself.</summary>
    public static (string Certificate, string Key) ReadFiles(OptionReader reader, bool areUsed, ICollection<string> problems)
    {
        if (!areUsed)
            return ("", "");
        foreach (var name in OfFiles)
        {
            if (reader.OptionalText(name) is { } path && !File.Exists(path))
                problems.Add($"{reader.SourceOf(name)} names the file {path}, which does not exist.");
        }

        return (reader.Required(CertificateFile), reader.Required(KeyFile));
    }

    private static ServingOptions Read(OptionReader reader, string defaultName, ICollection<string> problems)
    {
        var defaults = new ServingOptions();
        var options = new ServingOptions
        {
            Names = reader.Text("tls-names", defaultName)
                .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            AuthoritySecretName = reader.Text("tls-authority-secret-name", defaults.AuthoritySecretName),
            PublicSecretName = reader.Text("tls-public-secret-name", defaults.PublicSecretName),
            ExtensionConfig = reader.Text("tls-extension-config", defaults.ExtensionConfig),
        };
        foreach (var problem in options.Validate())
            problems.Add($"{reader.SourceOf("tls-" + ServiceOption.NameOf(problem.Field))} {problem.Sentence}");
        return options;
    }
}
