using System.Text.Json;

namespace CapiRegistryHook.Cli.Options;

/// <summary>One option of the service: a flag, an environment variable and a key of the options file, all of one name.</summary>
/// <param name="Name">The name in kebab case.</param>
/// <param name="Description">What it decides, with its range.</param>
/// <param name="Default">The default as text; empty when there is none.</param>
internal sealed record ServiceOption(string Name, string Description, string Default = "")
{
    /// <summary>
    /// Not CAPI_REGISTRY_HOOK_: Kubernetes itself puts variables of that prefix into pods beside a Service named
    /// capi-registry-hook, and then unknown ones could not be refused.
    /// </summary>
    public const string EnvironmentPrefix = "REGISTRY_HOOK_";

    public string Flag => "--" + Name;

    public string Environment => EnvironmentPrefix + Name.Replace('-', '_').ToUpperInvariant();

    public string FileKey =>
        string.Concat(Name.Split('-').Select((word, index) => index == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..]));

    /// <summary>The option that sets a property of an options record.</summary>
    public static string NameOf(string property) => JsonNamingPolicy.KebabCaseLower.ConvertName(property);
}

/// <summary>Every option there is. The command line, the environment, the options file and the documentation follow this list.</summary>
internal static class ServiceOptionList
{
    public const string ConfigFile = "config";

    public static IReadOnlyList<ServiceOption> Registry { get; } =
    [
        new("hook-namespace", "Namespace of this service, where the root CA Secret lies.",
        "the pod's namespace, else capi-registry-hook-system"),
        new("root-secret-name", "Name of the root CA Secret.", "registry-addon-root-ca"),
        new("root-source", "Who makes the root CA: Managed (this service, when absent) or External (cert-manager or a person).", "Managed"),
        new("key-algorithm", "Key algorithm of new certificates: ECDSA-P256, RSA-2048, RSA-3072 or RSA-4096.", "ECDSA-P256"),
        new("variable-name", "Topology variable that holds the settings.", "clusterConfig"),
        new("variable-path", "Where in the variable the settings lie, field names joined by dots.", "addons.registry"),
        new("chart-repository", "oci:// or https:// repository of the registry chart.",
        "oci://capi-registry-hook.<hook-namespace>.svc:443/charts"),
        new("chart-name", "Name of the registry chart.", "registry"),
        new("chart-version", "Exact version of the registry chart.", "the version of this service"),
        new("chart-ca-secret", "Secret with ca.crt that verifies the chart repository, as namespace/name; empty for the system's roots.",
        "<hook-namespace>/<tls-public-secret-name> with the default repository, else empty"),
        new("registry-values-file",
        "File with values for the registry chart (YAML, as in the chart's values.yaml) that all clusters get; read again when it changes.",
        "none"),
        new("on-disable",
        "What becomes of a registry's volumes and certificate when its Cluster asks for none any more: Keep or Delete. The "
            + "reconciler does it.", "Keep"),
        new("upgrade-block-limit", "How long a fault may hold up a cluster's upgrade, 0s to 24h.", "10m"),
        new("workload-allow-cidrs",
        "Loopback, link-local and other special addresses that kubeconfigs of workload clusters may lead to all the same, as CIDR "
            + "blocks with commas between.", "none"),
        new("work-limit", "How long one call may work before it answers that it could not finish, 1s to 7s.", "6s"),
    ];

    public static IReadOnlyList<ServiceOption> Serve { get; } =
    [
        new("listen", "Address and port to listen on.", "[::]:9443"),
        new("metrics-listen", "Address and port for /metrics, /healthz and /readyz without TLS; empty for none.", "[::]:8080"),
        new("tls-source",
        "Where the serving certificate comes from: Files, or SelfManaged (this service makes and renews it under an authority in a "
            + "Secret).", "Files"),
        new("tls-certificate-file", "Serving certificate as PEM, leaf first; read again when it changes. For Files alone."),
        new("tls-key-file", "Private key of the serving certificate as PEM. For Files alone."),
        new("tls-names", "DNS names and IP addresses of the serving certificate, with commas between. For SelfManaged alone.",
        "capi-registry-hook.<hook-namespace>.svc"),
        new("tls-authority-secret-name",
        "Secret in the hook's namespace with the authority of the serving certificate; made when absent. For SelfManaged alone.",
        "capi-registry-hook-ca"),
        new("tls-public-secret-name",
        "Secret in the hook's namespace whose ca.crt callers have to trust; made when absent. For SelfManaged alone.",
        "capi-registry-hook-tls"),
        new("tls-extension-config", "ExtensionConfig whose caBundle must hold a new authority before that signs. For SelfManaged alone.",
        "none, and then a new authority waits for a day"),
        new("client-ca-file",
        "Authority as PEM that callers of the hooks must have a client certificate of; read again when it changes. The chart and "
            + "health need none.", "none, and then whoever reaches the port may call"),
        new("client-names",
        "Names that may call the hooks, with commas between: common names, DNS names or URIs of client certificates, letter by letter.",
        "every certificate of that authority"),
        new("drain-delay", "How long to go on answering after being told to stop, 0s to 60s.", "5s"),
        new("reconciler",
        "On: this service looks after Clusters by itself, one replica at a time. Off: only the hooks work, and nothing is renewed "
            + "between two upgrades.", "On"),
        new("watch-namespaces", "Namespaces with Clusters that the reconciler looks after, joined by commas; empty for all.", "all"),
        new("reconcile-workers", "Clusters that are looked after at once, 1 to 64. Those whose last pass failed take half of them at most.",
        "8"),
        new("reconcile-rate", "Passes over Clusters that begin per second, 1 to 1000.", "50"),
        new("resync-interval", "How often a Cluster is looked at when nothing happens to it, 1m to 24h.", "1h"),
        new("verify-interval", "How often the certificate on a workload cluster is looked at when nothing is due, up to 720h; 0s is never.",
        "24h"),
        new("lease-duration", "How long other replicas wait for a sign of life of the one that reconciles, 3s to 5m.", "15s"),
        new("kubeconfig", "Kubeconfig of the management cluster.", "the pod's service account"),
        new("context", "Context of the kubeconfig.", "the current one"),
        new("log-level", "Trace, Debug, Information, Warning, Error or Critical.", "Information"),
    ];

    /// <summary>Those of <see cref="Serve"/> that say which Clusters there are.</summary>
    public static IReadOnlyList<ServiceOption> Management { get; } =
        [.. Serve.Where(option => option.Name is "watch-namespaces" or "kubeconfig" or "context")];

    public static ServiceOption Config { get; } = new(ConfigFile, "Options file: YAML, one key per option.");
}
