using System.Text.Json;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>
/// Every field of <see cref="RegistrySettings"/>: its name, its rule, its default and what it means. Reading an object and writing
/// the schema and the documentation start here.
/// </summary>
/// <remarks>
/// A default in the schema is written into each Cluster by Cluster API, where an admin's default no longer reaches it, and
/// where it stays when a later version has another one. So only fields have one that decide what lies on nodes.
/// </remarks>
internal static class SettingsShape
{
    public const string DefaultDialTimeout = "1s";

    /// <summary>The field that the settings of another registry add-on have too.</summary>
    public const string SharedField = "provider";

    private const string AdminsChoice = "the admin's";
    private const string Default = "default";
    private const string PerUpstream = "perUpstream";
    private const string Off = "off";
    private const string Auto = "auto";
    private const string DropIn = "dropIn";
    private const string None = "none";

    private static readonly WordSetting Provider = new(SharedField, ["CNCF Distribution"],
        "The registry implementation; accepted so that a Cluster written for another registry add-on works unchanged.") {
            Default = "CNCF Distribution" };

    private static readonly IntegerSetting Replicas = new("replicas", 1, 9,
        "Number of registry pods. Each holds every image.") { Absent = "the admin's, else 2" };

    private static readonly IntegerSetting PrimaryReplica = new("primaryReplica", 0, 8,
        "Ordinal of the replica that takes pushes and that the others copy from. Change it to promote another replica.") {
            Absent = "the admin's, else 0" };

    private static readonly TextSetting StorageSize = new(
        "size", TextRule.Quantity, "Size of each replica's volume.") { Absent = AdminsChoice };

    private static readonly TextSetting StorageClassName = new("storageClassName", TextRule.ObjectName,
        "Storage class of the volumes.") { Absent = AdminsChoice };

    private static readonly TextListSetting Pull = new("pull", 2, TextRule.Address,
        "Addresses of the pull Service, which leads to all replicas; one per address family.") { Absent = "index 20 of each service CIDR" };

    private static readonly TextListSetting Primary = new("primary", 2, TextRule.Address,
        "Addresses of the primary Service, for pushes and as the second mirror; one per address family.") {
            Absent = "index 21 of each service CIDR" };

    private static readonly WordSetting Algorithm = new("algorithm", CertificateAlgorithms.Words,
        "Key algorithm of the server certificate.") { Absent = AdminsChoice };

    private static readonly TextListSetting ExtraNames = new("extraNames", 32, TextRule.NameOrAddress,
        "Additional names and addresses in the server certificate.");

    private static readonly SwitchSetting NodeAddresses = new("nodeAddresses",
        "Whether the server certificate has the addresses of the control-plane nodes too, for clients that use a node port. "
            + "Only those that --extra-names-allow-cidrs allows.");

    private static readonly WordSetting Mode = new("mode", [Default, PerUpstream, Off],
        "Which images nodes look for in the registry: all by their path alone, those of the listed hosts below a path per host, or none.") {
            Default = Default };

    private static readonly TextListSetting Upstreams = new("upstreams", 32, TextRule.Upstream,
        "The hosts of mode perUpstream; required in that mode, refused in others.");

    private static readonly SwitchSetting Strict = new("strict", "Nodes never fall back to the upstream registry.");

    private static readonly TextSetting DialTimeout = new("dialTimeout", TextRule.Duration,
        "How long a node tries to connect to the registry before it uses the next mirror; containerd before 2.1 ignores it.") {
            Default = DefaultDialTimeout };

    private static readonly WordSetting ContainerdConfig = new("containerdConfig", [Auto, DropIn, None],
        "How containerd is configured to read the hosts files: as needed, by a drop-in at most, or not at all.") { Default = Auto };

    private static readonly TextSetting CacheHost = new("host", TextRule.Upstream,
        "The host whose images the cache holds; no other is looked for in it.") { IsRequired = true };

    private static readonly IntegerSetting CachePort = new("port", 1, 65535,
        "The port of the pull Service that leads to the cache.") { IsRequired = true };

    private static readonly GroupListSetting Caches = new("caches", 32, new GroupSetting("cache", [CacheHost, CachePort],
        "A cache of one upstream beside the registry."),
        "Caches beside the registry that nodes use, as pullThrough of the chart's values has them. Not with generatepatches-v1.") {
            Absent = "none" };

    private static readonly TextSetting FallbackUrl = new("url", TextRule.MirrorUrl,
        "What stands before the name of a repository when the mirror is asked, /v2 included.") { IsRequired = true };

    private static readonly TextListSetting FallbackUpstreams = new("upstreams", 32, TextRule.Upstream,
        "The hosts whose images the mirror has, below its url. "
            + "Without it, it has all that nodes look for in the registry, at the same paths.") { Absent = "all" };

    private static readonly TextSetting FallbackCa = new("caSecretName", TextRule.ObjectName,
        "Secret in the Cluster's namespace whose key ca.crt verifies the mirror.") { Absent = "the node's authorities" };

    private static readonly TextSetting FallbackLogin = new("loginSecretName", TextRule.ObjectName,
        "Secret in the Cluster's namespace whose key mirrorLogin holds user:password for the mirror.");

    private static readonly GroupListSetting Fallbacks = new("fallbacks", 8, new GroupSetting("fallback",
        [FallbackUrl, FallbackUpstreams, FallbackCa, FallbackLogin], "A mirror that others run."),
        "Further mirrors, asked in this order after the registry and before upstream; with strict they are the end. "
            + "Not with generatepatches-v1.") { Absent = "none" };

    private static readonly SwitchSetting Generate = new("generate",
        "The service generates the login, keeps it in the Secret <cluster>-registry-addon-login beside the Cluster, and gives it to the "
            + "registry and to nodes. Not with generatepatches-v1.");

    private static readonly TextSetting Cpu = new("cpu", TextRule.Quantity, "CPU of the registry container.") { Absent = AdminsChoice };

    private static readonly TextSetting Memory = new(
        "memory", TextRule.Quantity, "Memory of the registry container.") { Absent = AdminsChoice };

    private static readonly TextSetting AuthSecretName = new("name", TextRule.ObjectName,
        "The name of a Secret in registry-system on the workload cluster whose key htpasswd lists who may pull and push; replicas "
            + "with a volume each need its keys username and password too, to copy from each other.") { IsRequired = true };

    private static readonly GroupSetting Storage = new("storage", [StorageSize, StorageClassName], "Where images are kept.");
    private static readonly GroupSetting Addresses = new("addresses", [Pull, Primary], "Fixed addresses of the registry's Services.");
    private static readonly GroupSetting Certificate = new(
        "certificate", [Algorithm, ExtraNames, NodeAddresses], "The server certificate.");
    private static readonly GroupSetting Mirror = new(
        "mirror", [Mode, Upstreams, Strict, DialTimeout, ContainerdConfig, Caches, Fallbacks], "How nodes use the registry.");
    private static readonly GroupSetting Requests = new("requests", [Cpu, Memory], "Resource requests of each registry container.");
    private static readonly GroupSetting Limits = new("limits", [Cpu, Memory], "Resource limits of each registry container.");
    private static readonly GroupSetting Resources = new("resources", [Requests, Limits], "Resources of each registry container.");
    private static readonly GroupSetting SecretRef = new(
        "secretRef", [AuthSecretName], "The Secret with the accounts. Nodes know none of them.");
    private static readonly GroupSetting Auth = new(
        "auth", [SecretRef, Generate], "Who may pull and push; everybody in the cluster when absent.");

    /// <summary>The object under <c>addons.registry</c>.</summary>
    public static GroupSetting Registry { get; } = new("registry",
        [Provider, Replicas, PrimaryReplica, Storage, Addresses, Certificate, Mirror, Resources, Auth],
        "A registry inside the cluster; an empty object requests one with all defaults.");

    /// <summary>The settings in an object. What is refused counts as absent, so that the rest can be looked at too.</summary>
    public static RegistrySettings Read(JsonElement value, string path, ICollection<Problem> problems)
    {
        var before = problems.Count;
        Registry.Check(value, path, problems);
        var settings = Bind(value);
        if (problems.Count == before)
            SettingsRules.Check(settings, path, problems);
        return settings;
    }

    private static RegistrySettings Bind(JsonElement value) => new()
    {
        Replicas = Replicas.Read(value),
        PrimaryReplica = PrimaryReplica.Read(value),
        StorageSize = StorageSize.Read(Storage.Read(value)),
        StorageClassName = StorageClassName.Read(Storage.Read(value)),
        PullAddresses = Pull.Read(Addresses.Read(value)),
        PrimaryAddresses = Primary.Read(Addresses.Read(value)),
        Algorithm = Algorithm.Read(Certificate.Read(value)),
        ExtraNames = ExtraNames.Read(Certificate.Read(value)),
        NamesNodes = NodeAddresses.Read(Certificate.Read(value)),
        Mirror = BindMirror(Mirror.Read(value)),
        Resources = new ResourceSettings
        {
            Requests = BindAmounts(Requests.Read(Resources.Read(value))),
            Limits = BindAmounts(Limits.Read(Resources.Read(value))),
        },
        AuthSecretName = AuthSecretName.Read(SecretRef.Read(Auth.Read(value))),
        GeneratesLogin = Generate.Read(Auth.Read(value)),
        HasEmptyAuth = Auth.Read(value).ValueKind == JsonValueKind.Object && !Generate.Read(Auth.Read(value))
            && SecretRef.Read(Auth.Read(value)).ValueKind != JsonValueKind.Object,
    };

    private static MirrorSettings BindMirror(JsonElement mirror) => new()
    {
        Mode = Mode.Read(mirror) switch { PerUpstream => MirrorMode.PerUpstream, Off => MirrorMode.Off, _ => MirrorMode.Default },
        Upstreams = Upstreams.Read(mirror),
        Strict = Strict.Read(mirror),
        DialTimeout = DialTimeout.Read(mirror)!,
        ContainerdConfig = ContainerdConfig.Read(mirror) switch
        {
            DropIn => CapiRegistryHook.Registry.Settings.ContainerdConfig.DropIn,
            None => CapiRegistryHook.Registry.Settings.ContainerdConfig.None,
            _ => CapiRegistryHook.Registry.Settings.ContainerdConfig.Auto,
        },
        Caches = Caches.Read(mirror, cache => new CacheSetting(CacheHost.Read(cache) ?? "", CachePort.Read(cache) ?? 0)),
        Fallbacks = Fallbacks.Read(mirror, fallback => new FallbackSetting(FallbackUrl.Read(fallback) ?? "")
        {
            Upstreams = FallbackUpstreams.Read(fallback),
            CaSecretName = FallbackCa.Read(fallback),
            LoginSecretName = FallbackLogin.Read(fallback),
        }),
    };

    private static ResourceAmounts BindAmounts(JsonElement amounts) => new() { Cpu = Cpu.Read(amounts), Memory = Memory.Read(amounts) };
}
