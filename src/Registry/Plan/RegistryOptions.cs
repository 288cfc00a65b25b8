using System.Net;
using System.Text.Json;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>Who makes the root CA.</summary>
public enum RootSource
{
    /// <summary>This product creates the root CA Secret when it is absent.</summary>
    Managed,

    /// <summary>cert-manager or a person creates the Secret; clusters wait until it is there.</summary>
    External,
}

/// <summary>What happens to a registry's data when its Cluster no longer requests one.</summary>
public enum DisabledData
{
    /// <summary>Volumes and certificate stay on the workload cluster, and a registry that is asked for again finds them.</summary>
    Keep,

    /// <summary>The volumes that were made for it and its certificate are deleted, before its release is.</summary>
    Delete,
}

/// <summary>Whether Clusters have the condition of their registry.</summary>
public enum ClusterConditionMode
{
    /// <summary>The reconciler keeps it.</summary>
    On,

    /// <summary>The reconciler takes away the ones that it wrote, and writes none.</summary>
    Remove,

    /// <summary>The reconciler neither writes nor takes away any, and needs no right to.</summary>
    Off,
}

/// <summary>When an admin's new values for the chart, or a new chart, reach registries that are installed.</summary>
public enum RolloutMode
{
    /// <summary>A few registries at a time, until too many fail.</summary>
    Paced,

    /// <summary>Each registry with the next upgrade of its cluster.</summary>
    OnUpgrade,

    /// <summary>Each registry with its next reconcile.</summary>
    Immediately,
}

/// <summary>Whether upgrades wait for content.</summary>
public enum ContentGateMode
{
    /// <summary>They do not, and nothing is read for it.</summary>
    Off,

    /// <summary>BeforeClusterUpgrade blocks until the registry holds the RegistryContents that name the target version.</summary>
    On,
}

/// <summary>Whether new Clusters that do not mention a registry get one.</summary>
public enum AutoEnableMode
{
    /// <summary>Only Clusters that request a registry have one.</summary>
    Off,

    /// <summary>The admission webhook requests one for new Clusters whose ClusterClass has the variable.</summary>
    On,
}

/// <summary>What an admin decides for all registries. Checked as a whole by <see cref="Validate"/>.</summary>
public sealed record RegistryOptions
{
    /// <summary>The namespace of this service where nothing says another.</summary>
    public const string DefaultNamespace = "capi-registry-hook-system";

    /// <summary>What <see cref="KeyAlgorithm"/> may be.</summary>
    public static IReadOnlyList<string> KeyAlgorithms => CertificateAlgorithms.Words;

    /// <summary>How long a root CA made here is valid: 10 years.</summary>
    internal static readonly TimeSpan RootLifetime = TimeSpan.FromDays(3650);

    /// <summary>How long a server certificate is valid: 2 years, less when its issuer ends earlier.</summary>
    internal static readonly TimeSpan CertificateLifetime = TimeSpan.FromDays(730);

    /// <summary>The namespace of this service on the management cluster; the root CA Secret lives there.</summary>
    public string HookNamespace { get; init; } = DefaultNamespace;

    /// <summary>The name of the root CA Secret.</summary>
    public string RootSecretName { get; init; } = "registry-addon-root-ca";

    /// <summary>Who makes the root CA.</summary>
    public RootSource RootSource { get; init; } = RootSource.Managed;

    /// <summary>
    /// Key algorithm of new roots and of server certificates: ECDSA-P256, RSA-2048, RSA-3072 or RSA-4096. A cluster may
    /// choose another one for its server certificate. RSA-2048 costs about 500 times the CPU of ECDSA-P256 per certificate.
    /// </summary>
    public string KeyAlgorithm { get; init; } = CertificateAlgorithms.Default;

    /// <summary>The topology variable that holds the settings.</summary>
    public string VariableName { get; init; } = "clusterConfig";

    /// <summary>Where in the variable the settings lie, as field names joined by dots.</summary>
    public string VariablePath { get; init; } = "addons.registry";

    /// <summary>Whether new Clusters that do not mention a registry get one.</summary>
    public AutoEnableMode AutoEnable { get; init; }

    /// <summary>The settings that auto-enable writes, as a JSON object; <c>{}</c> requests a registry with all defaults.</summary>
    public string AutoEnableSettings { get; init; } = "{}";

    /// <summary>An oci:// or https:// repository that holds the registry chart.</summary>
    public string ChartRepository { get; init; } = ServedCharts(DefaultNamespace);

    /// <summary>The name of the chart in the repository.</summary>
    public string ChartName { get; init; } = "registry";

    /// <summary>The exact version of the chart.</summary>
    public string ChartVersion { get; init; } = ShippedChart.Version;

    /// <summary>
    /// A Secret with key <c>ca.crt</c> that verifies the chart repository, as <c>namespace/name</c>; empty means the
    /// system's roots.
    /// </summary>
    public string ChartCaSecret { get; init; } = "";

    /// <summary>The admin's values for the chart; may change while the process runs.</summary>
    public RegistryDefaults Defaults { get; init; } = new();

    /// <summary>
    /// What happens to a registry's data when its Cluster no longer requests one; only the reconciler removes registries.
    /// </summary>
    public DisabledData OnDisable { get; init; } = DisabledData.Keep;

    /// <summary>When new values of the admin, or a new chart, reach registries that are installed.</summary>
    public RolloutMode Rollout { get; init; } = RolloutMode.Paced;

    /// <summary>How many registries a paced rollout changes at once, 1 to 100.</summary>
    public int RolloutConcurrency { get; init; } = 5;

    /// <summary>How many registries must fail until a paced rollout stops, 1 to 100.</summary>
    public int RolloutMaxFailures { get; init; } = 3;

    /// <summary>Whether the reconciler keeps the condition <c>capi-registry-hook.io/RegistryReady</c> on Clusters.</summary>
    public ClusterConditionMode ClusterCondition { get; init; } = ClusterConditionMode.On;

    /// <summary>
    /// How long a fault may hold up the upgrade of a cluster before it goes on without a refreshed registry; 0 to 24 hours.
    /// </summary>
    public TimeSpan UpgradeBlockLimit { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Whether upgrades wait for content.</summary>
    public ContentGateMode ContentGate { get; init; }

    /// <summary>
    /// How long missing content may block an upgrade before it proceeds without; 0 to 24 hours, where 0 only reports.
    /// </summary>
    public TimeSpan ContentBlockLimit { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long one try of a hook may work; 1 to 7 seconds. Cluster API waits 10 s; what is left is for the answer.</summary>
    public TimeSpan WorkLimit { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>
    /// Blocks of addresses that kubeconfigs of workload clusters may lead to although they are loopback, link-local or otherwise special,
    /// joined by commas; empty for none.
    /// </summary>
    public string WorkloadAllowCidrs { get; init; } = "";

    /// <summary>The same, parsed.</summary>
    internal IReadOnlyList<IPNetwork> AllowedWorkloadNetworks => [.. Blocks(WorkloadAllowCidrs).Select(block => IPNetwork.Parse(block))];

    /// <summary>
    /// Blocks of addresses that a cluster's variable may add to its server certificate although they are outside the cluster's own service
    /// CIDRs, joined by commas; empty for none. All clusters share the root, so such a certificate is accepted in every one of them.
    /// </summary>
    public string ExtraNamesAllowCidrs { get; init; } = "";

    /// <summary>The same, parsed.</summary>
    internal IReadOnlyList<IPNetwork> AllowedExtraNetworks => [.. Blocks(ExtraNamesAllowCidrs).Select(block => IPNetwork.Parse(block))];

    /// <summary>The namespaces with Clusters; empty means all.</summary>
    public IReadOnlyList<string> WatchNamespaces { get; init; } = [];

    /// <summary>The same as lists and watches take them: one null, by which Kubernetes means all, when none is named.</summary>
    internal IReadOnlyList<string?> Places => WatchNamespaces is [] ? [null] : [.. WatchNamespaces];

    /// <summary>The namespaces whose RegistryContents may select Clusters of all namespaces; empty for none.</summary>
    public IReadOnlyList<string> ContentSharedNamespaces { get; init; } = [];

    /// <summary>The DNS name of this service in a namespace.</summary>
    public static string ServiceHost(string hookNamespace) => $"capi-registry-hook.{hookNamespace}.svc";

    /// <summary>The repository in which this service itself serves the registry chart.</summary>
    public static string ServedCharts(string hookNamespace) => $"oci://{ServiceHost(hookNamespace)}:443/charts";

    private static string[] Blocks(string list) =>
        list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The topology variable and the path in it, as one value.</summary>
    public VariableLocation Variable => new(VariableName, VariablePath);

    /// <summary>Every value that can't be used, each with a sentence; empty when all is well.</summary>
    public IEnumerable<Problem> Validate()
    {
        if (!KubernetesNames.IsLabel(HookNamespace))
            yield return Bad(nameof(HookNamespace), HookNamespace, "use the name of a namespace");
        if (!KubernetesNames.IsSubdomain($"{RootSecretName}-next"))
            yield return Bad(nameof(RootSecretName), RootSecretName, "use the name of a Secret");
        if (!CertificateAlgorithms.TryParse(KeyAlgorithm, out _))
            yield return Bad(nameof(KeyAlgorithm), KeyAlgorithm, $"use one of {CertificateAlgorithms.List}");
        if (string.IsNullOrWhiteSpace(VariableName) || VariableName.Contains('.', StringComparison.Ordinal)
            || VariableName == VariableLocation.Builtin)
            yield return Bad(nameof(VariableName), VariableName, "use the name of a topology variable: not builtin, and without dots");
        if (Variable.Steps.Any(string.IsNullOrWhiteSpace))
            yield return Bad(nameof(VariablePath), VariablePath, "use field names joined by single dots");
        foreach (var problem in ValidateChart())
            yield return problem;
        foreach (var problem in ValidateAutoEnable())
            yield return problem;
        if (!Array.TrueForAll(Blocks(WorkloadAllowCidrs), block => IPNetwork.TryParse(block, out _)))
            yield return Bad(nameof(WorkloadAllowCidrs), WorkloadAllowCidrs, "use CIDR blocks like 127.0.0.0/8, with commas between");
        if (!Array.TrueForAll(Blocks(ExtraNamesAllowCidrs), block => IPNetwork.TryParse(block, out _)))
            yield return Bad(nameof(ExtraNamesAllowCidrs), ExtraNamesAllowCidrs, "use CIDR blocks like 192.0.2.0/24, with commas between");
        foreach (var name in ContentSharedNamespaces.Where(name => !KubernetesNames.IsLabel(name)))
            yield return Bad(nameof(ContentSharedNamespaces), name, "use names of namespaces, with commas between");
    }

    private IEnumerable<Problem> ValidateChart()
    {
        if (!Uri.TryCreate(ChartRepository, UriKind.Absolute, out var repository) || repository.Scheme is not ("oci" or "https")
            || repository.Host.Length == 0 || repository.UserInfo.Length > 0)
            yield return Bad(nameof(ChartRepository), ChartRepository, "use an oci:// or https:// address without credentials");
        if (!KubernetesNames.IsSubdomain(ChartName))
            yield return Bad(nameof(ChartName), ChartName, "use the name of a chart");
        if (string.IsNullOrWhiteSpace(ChartVersion))
            yield return Bad(nameof(ChartVersion), ChartVersion, "use the exact version of the chart");
        if (ChartCaSecret.Length > 0 && !KubernetesNames.TryParsePair(ChartCaSecret, out _))
            yield return Bad(nameof(ChartCaSecret), ChartCaSecret, "use namespace/name of a Secret, or nothing");
    }

    private List<Problem> ValidateAutoEnable()
    {
        var problems = new List<Problem>();
        try
        {
            SettingsShape.Read(JsonElement.Parse(AutoEnableSettings), Variable.Field, problems);
        }
        catch (JsonException)
        {
            return [Bad(nameof(AutoEnableSettings), AutoEnableSettings, "use a JSON object with the fields of the variable")];
        }

        return [.. problems.Select(problem => new Problem(nameof(AutoEnableSettings), $"can't be used. {problem.Sentence}"))];
    }

    private static Problem Bad(string property, string value, string remedy) =>
        new(property, $"has the value {FieldText.Quote(value)}; {remedy}.");
}
