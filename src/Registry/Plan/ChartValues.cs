using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>
/// The Helm values of a cluster's registry. From weak to strong: the chart's own values, the admin's
/// (<see cref="RegistryDefaults"/>), the cluster's variable, and what is computed here. No secret goes in: the add-on provider
/// logs them.
/// </summary>
internal static class ChartValues
{
    /// <summary>Each replica has a copy of every image; the chart's schema and the variable's say the same number.</summary>
    public const int MostReplicas = 9;

    public const string ReplicasField = "replicas";

    public const string UploadSecretField = "httpSecret.secretName";

    /// <summary>The key in the Secret that signs uploads in progress.</summary>
    public const string UploadKey = "httpSecret";

    private const string PrimaryField = "sync.primary";

    private static readonly string[] ServiceFields = ["port", "ipFamilyPolicy", "ipFamilies", "clusterIPs"];

    /// <summary>What only this product knows; nobody else may set it.</summary>
    public static IReadOnlyList<string> Computed { get; } =
    [
        "fullnameOverride", "clusterDomain", "tls.secretName", "tls.certificateSerial", UploadSecretField, "httpSecret.key",
        .. ServiceFields.Select(field => "service." + field),
        .. ServiceFields.Select(field => "primaryService." + field),
        "podAnnotations." + RegistryNames.RevisionAnnotation,
    ];

    /// <summary>What is part of selectors: Kubernetes refuses to change them, so a release that tries is left half-applied.</summary>
    public static IReadOnlyList<string> Fixed { get; } = ["nameOverride"];

    /// <summary>
    /// What the admin and the cluster's variable say together. A registry is installed while its cluster has one node: replicas that only
    /// prefer to keep apart would all start there and stay. Where nodes for all of them are asked for, they wait; the admin may say
    /// otherwise.
    /// </summary>
    public static JsonObject Choose(RegistryDefaults defaults, RegistryBasis basis)
    {
        var chosen = HelmValues.Merge(defaults.ValuesFor(basis.Cluster.Name), FromVariable(basis.Settings));
        return Replicas(chosen) is > 1 and var replicas && basis.Cluster.Spec?.Topology?.Nodes >= replicas
            ? HelmValues.Merge(new JsonObject { ["spread"] = "Required" }, chosen)
            : chosen;
    }

    /// <summary>The number of replicas, which also decides the names in the certificate.</summary>
    public static int Replicas(JsonObject chosen) =>
        AsReplicas(HelmValues.Find(chosen, ReplicasField) ?? ShippedChart.Defaults[ReplicasField])!.Value;

    /// <summary>The ordinal of the replica that takes pushes; null when it is not a number.</summary>
    public static int? Primary(JsonObject chosen) => int.TryParse(
        (HelmValues.Find(chosen, PrimaryField) ?? HelmValues.Find(ShippedChart.Defaults, PrimaryField))?.ToJsonString(),
        NumberStyles.None, CultureInfo.InvariantCulture, out var primary) ? primary : null;

    /// <summary>Null when a registry can't have this number of replicas.</summary>
    public static int? AsReplicas(JsonNode? value) =>
        int.TryParse(value?.ToJsonString(), NumberStyles.None, CultureInfo.InvariantCulture, out var replicas)
            && replicas is >= 1 and <= MostReplicas ? replicas : null;

    /// <param name="plan">The plan.</param>
    /// <param name="certificateSerial">
    /// Serial number of the server certificate. It becomes a pod annotation, so that a new certificate rolls the pods:
    /// CNCF Distribution reads its key pair once, at start.
    /// </param>
    public static JsonObject Build(RegistryPlan plan, string certificateSerial) =>
        HelmValues.Merge(WithLogin(plan), HelmValues.Merge(
            Compute(plan.Addresses, plan.Replicas, plan.ServiceDomain, certificateSerial), Revision(plan.Release.Id)));

    /// <summary>Only the name of the Secret: registry and sidecars read it again when it changes.</summary>
    private static JsonObject WithLogin(RegistryPlan plan) => !plan.Basis.Settings.GeneratesLogin ? plan.Values
        : HelmValues.Merge(plan.Values, new JsonObject
        {
            ["auth"] = new JsonObject { ["htpasswd"] = new JsonObject { ["secretName"] = RegistryNames.LoginSecret } },
        });

    /// <summary>The admin's values with what any cluster would add, to be held against the chart before there is a cluster.</summary>
    public static JsonObject Probe(JsonObject values)
    {
        var addresses = new RegistryAddresses([IPAddress.Parse("10.96.0.20")], [IPAddress.Parse("10.96.0.21")]);
        var computed = Compute(addresses, 0, "cluster.local", "0");
        computed.Remove(ReplicasField);
        return HelmValues.Merge(values, computed);
    }

    /// <summary>Only what the user said: everything else is the admin's, then the chart's.</summary>
    private static JsonObject FromVariable(RegistrySettings settings) => Given(
        ("replicas", settings.Replicas),
        ("sync", Given(("primary", settings.PrimaryReplica))),
        ("storage", Given(("size", settings.StorageSize), ("storageClassName", settings.StorageClassName))),
        ("resources", Given(("requests", Amounts(settings.Resources.Requests)), ("limits", Amounts(settings.Resources.Limits)))),
        ("auth", Given(("htpasswd", Given(("secretName", settings.AuthSecretName))))));

    private static JsonObject Amounts(ResourceAmounts amounts) => Given(("cpu", amounts.Cpu), ("memory", amounts.Memory));

    private static JsonObject Given(params (string Name, JsonNode? Value)[] fields) =>
        new(fields.Where(field => field.Value is not null and not JsonObject { Count: 0 })
            .Select(field => KeyValuePair.Create(field.Name, field.Value)));

    private static JsonObject Compute(RegistryAddresses addresses, int replicas, string serviceDomain, string certificateSerial) => new()
    {
        ["fullnameOverride"] = RegistryNames.Registry,
        ["replicas"] = replicas,
        ["clusterDomain"] = serviceDomain,
        ["tls"] = new JsonObject
        {
            ["secretName"] = RegistryNames.CertificateSecret,
            ["certificateSerial"] = certificateSerial,
        },
        ["httpSecret"] = new JsonObject { ["secretName"] = RegistryNames.UploadSecret, ["key"] = UploadKey },
        ["service"] = Service(addresses.Pull),
        ["primaryService"] = Service(addresses.Primary),
    };

    /// <summary>An annotation of the pods, by which those of the release that was written last are told from older ones.</summary>
    private static JsonObject Revision(string id) =>
        new() { ["podAnnotations"] = new JsonObject { [RegistryNames.RevisionAnnotation] = id } };

    private static JsonObject Service(IReadOnlyList<IPAddress> addresses) => new()
    {
        ["port"] = RegistryNames.Port,
        ["ipFamilyPolicy"] = addresses.Count > 1 ? "RequireDualStack" : "SingleStack",
        ["ipFamilies"] = new JsonArray([.. addresses.Select(address =>
            JsonValue.Create(address.AddressFamily == AddressFamily.InterNetwork ? "IPv4" : "IPv6"))]),
        ["clusterIPs"] = new JsonArray([.. addresses.Select(address => JsonValue.Create(address.ToString()))]),
    };
}
