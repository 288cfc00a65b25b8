using CapiRegistryHook.Hooks.Serving;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Serving;

namespace CapiRegistryHook.Cli.Options;

/// <summary>Where the serving certificate comes from.</summary>
internal enum CertificateSource
{
    /// <summary>From files that somebody else writes and renews.</summary>
    Files,

    /// <summary>From this process, under a CA in a Secret that all replicas share.</summary>
    SelfManaged,
}

/// <summary>The options of the serving certificate. Those of the other source are refused, since they would have no effect.</summary>
internal static class CertificateOptionGroup
{
    private const string Source = "tls-source";
    private const string CertificateFile = "tls-certificate-file";
    private const string KeyFile = "tls-key-file";
    private const string PublicSecretName = "tls-public-secret-name";
    private const string Prefix = "tls-";

    private static readonly OptionGroup<CertificateSource> Sources = new OptionGroup<CertificateSource>(CertificateSource.Files)
        .Add(Source, OptionKind.Choice<CertificateSource>(), source => source, (_, value) => value,
            "Source of the serving certificate: Files, or SelfManaged (this service issues and renews it under a CA in a Secret).");

    private static readonly OptionGroup<ListenOptions> Files =
        new OptionGroup<ListenOptions>(new() { CertificateFile = "", KeyFile = "" })
        .Add(CertificateFile, OptionKind.Text, options => options.CertificateFile,
            (options, value) => options with { CertificateFile = value },
            "Serving certificate as PEM, leaf first. Read again when it changes. Only for Files.", "required for Files")
        .Add(KeyFile, OptionKind.Text, options => options.KeyFile, (options, value) => options with { KeyFile = value },
            "Private key of the serving certificate as PEM. Only for Files.", "required for Files");

    private static readonly OptionGroup<ServingOptions> SelfManaged = new OptionGroup<ServingOptions>(new())
        .Add("tls-names", OptionKind.List, options => options.Names, (options, value) => options with { Names = value },
            "DNS names and IP addresses of the serving certificate. Only for SelfManaged.", RegistryOptions.ServiceHost("<hook-namespace>"))
        .Add("tls-authority-secret-name", OptionKind.Text, options => options.AuthoritySecretName,
            (options, value) => options with { AuthoritySecretName = value },
            "Secret with the CA of the serving certificate, in the hook's namespace; created when absent. Only for SelfManaged.")
        .Add(PublicSecretName, OptionKind.Text, options => options.PublicSecretName,
            (options, value) => options with { PublicSecretName = value },
            "Secret with the ca.crt that callers have to trust, in the hook's namespace; created when absent. Only for SelfManaged.")
        .Add("tls-extension-config", OptionKind.Text, options => options.ExtensionConfig,
            (options, value) => options with { ExtensionConfig = value },
            "ExtensionConfig whose caBundle must contain a new CA before that CA signs. Only for SelfManaged.",
            "none; a new CA then waits for a day");

    private static readonly OptionGroup<WebhookOptions> Webhooks = new OptionGroup<WebhookOptions>(new())
        .Add("auto-enable-webhook", OptionKind.Text, options => options.Webhook, (options, value) => options with { Webhook = value },
            "MutatingWebhookConfiguration whose caBundle this service keeps up to date.", "none; somebody else does")
        .Add("auto-enable-ca-secret", OptionKind.Text, options => options.CaSecret,
            (options, value) => options with { CaSecret = value },
            "Secret with the ca.crt that goes into that caBundle, as namespace/name.", "required with auto-enable-webhook");

    public static IReadOnlyList<ServiceOption> Options { get; } =
        [.. Sources.Options, .. Files.Options, .. SelfManaged.Options, .. Webhooks.Options];

    /// <summary>The Secret with what callers have to trust, whoever writes it.</summary>
    public static string ReadPublicSecretName(OptionReader reader) =>
        reader.TryRead(PublicSecretName, OptionKind.Text, out var name) ? name : new ServingOptions().PublicSecretName;

    /// <summary>How the service makes its certificate; null when it comes from files.</summary>
    public static ServingOptions? ReadSelfManaged(OptionReader reader, string hookNamespace)
    {
        var source = Sources.Read(reader);
        var others = source == CertificateSource.Files ? SelfManaged.Options : Files.Options;
        foreach (var other in others.Where(option => reader.IsSet(option.Name)))
            reader.Refuse(other.Name, $"has no effect with {source} as --{Source}; leave it out.");
        if (source == CertificateSource.Files)
            return null;
        var options = SelfManaged.Read(reader, new() { Names = [RegistryOptions.ServiceHost(hookNamespace)] });
        reader.Refuse(options.Validate(), Prefix);
        return options;
    }

    /// <summary>The admission webhook whose caBundle the service keeps; null for none.</summary>
    public static WebhookOptions? ReadWebhook(OptionReader reader)
    {
        var options = Webhooks.Read(reader);
        reader.Refuse(options.Validate(), "auto-enable-");
        return options.Webhook.Length == 0 ? null : options;
    }

    /// <summary>The files; empty when the service makes its certificate itself.</summary>
    public static ListenOptions ReadFiles(OptionReader reader, bool areUsed)
    {
        var none = new ListenOptions { CertificateFile = "", KeyFile = "" };
        if (!areUsed)
            return none;
        foreach (var option in Files.Options)
            reader.RequireFile(option.Name);
        foreach (var option in Files.Options)
            reader.Require(option.Name);
        return Files.Read(reader, none);
    }
}
