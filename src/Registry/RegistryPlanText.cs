using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Enabling;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry;

/// <summary>Prints what a Cluster would get, without a cluster and without key material.</summary>
public static class RegistryPlanText
{
    private const string NotIssuedYet = "(set when the certificate is issued)";

    /// <summary>The plan as YAML documents, or the problems.</summary>
    public static PlanText Write(Cluster cluster, RegistryOptions options, NodeFormat format) =>
        RegistryPlan.Create(cluster, options) switch
    {
        PlanResult.Wanted wanted => WriteDocuments(wanted.Plan, options, format),
        PlanResult.Invalid invalid => new PlanText(null, Problem.Describe(invalid.Problems)),
        _ => WriteUnrequested(cluster, options, format),
    };

    private static PlanText WriteUnrequested(Cluster cluster, RegistryOptions options, NodeFormat format)
    {
        var text = $"# Cluster {cluster.DisplayName} asks for no registry: the variable {options.Variable.Field} is not set.\n";
        return options.AutoEnable == AutoEnableMode.Off ? new PlanText(text, null) : NewCluster.Evaluate(cluster, options) switch
        {
            NewCluster.Eligible eligible => WriteEnabled(text, eligible, cluster, options, format),
            NewCluster.LeftAlone alone => new PlanText($"{text}# Auto-enable leaves it alone. {alone.Reason}\n", null),
            _ => throw new InvalidOperationException("A new Cluster is eligible or left alone."),
        };
    }

    /// <summary>The selectors of the webhook are not known here, nor is the ClusterClass.</summary>
    private static PlanText WriteEnabled(
        string text, NewCluster.Eligible eligible, Cluster cluster, RegistryOptions options, NodeFormat format)
    {
        var plan = Write(NewCluster.Enable(cluster, options), options, format);
        return plan.Yaml is null ? plan : new PlanText(
            $"{text}# Auto-enable sets it to {options.AutoEnableSettings.ReplaceLineEndings(" ")} when the Cluster is created, if the "
                + $"ClusterClass {eligible.Class} has the variable and the selectors of the webhook match. Then:\n{plan.Yaml}", null);
    }

    private static PlanText WriteDocuments(RegistryPlan plan, RegistryOptions options, NodeFormat format) =>
        new ClusterNodes(plan.Cluster, options, format).Plan() switch
        {
            NodePlanResult.Wanted wanted => new PlanText(WriteDocuments(plan, wanted.Nodes, format), null),
            NodePlanResult.Invalid invalid => new PlanText(null, Problem.Describe(invalid.Problems)),
            _ => throw new InvalidOperationException("A planned registry has no nodes."),
        };

    private static string WriteDocuments(RegistryPlan plan, NodePlan nodes, NodeFormat format) =>
        $"# Cluster {plan.Cluster.DisplayName}\n"
        + string.Concat(plan.Warnings.Select(warning => $"# Warning: {warning}\n"))
        + "---\n" + YamlText.Write(Summary(plan))
        + Document("Management cluster: the root CA of all registries, made once",
            Secret(plan.RootSecret, SecretKeys.TlsType, "tls.crt", "tls.key", "ca.crt"))
        + Document("Management cluster: what the nodes trust", Owned(Secret(plan.TrustSecret, SecretKeys.OpaqueType, "ca.crt"), plan))
        + LoginDocuments(plan)
        + Document("Workload cluster: the server certificate",
            Secret(RegistryPlan.CertificateSecret, SecretKeys.TlsType, "tls.crt", "tls.key", "ca.crt"))
        + Document("Management cluster: the release of the registry chart", ToJson(plan))
        + Document("Nodes: where containerd looks for images, in this order", PullOrderText.Write(plan, format))
        + Document("Nodes: added to every KubeadmControlPlaneTemplate and KubeadmConfigTemplate", Nodes(nodes));

    private static string LoginDocuments(RegistryPlan plan) => !plan.Basis.Settings.GeneratesLogin ? ""
        : Document("Management cluster: the registry's login, made once", Owned(Secret(
            RegistryBasis.LoginSecret(plan.Cluster), SecretKeys.OpaqueType, "username", "password", "htpasswd", "mirrorLogin"), plan))
        + Document("Workload cluster: the same login for the registry",
            Secret(RegistryPlan.LoginSecret, SecretKeys.OpaqueType, "username", "password", "htpasswd"));

    private static string Document(string comment, JsonNode data) => $"---\n# {comment}\n{YamlText.Write(data)}";

    private static JsonObject Summary(RegistryPlan plan) => new()
    {
        ["addresses"] = new JsonObject
        {
            ["pull"] = List(plan.Addresses.Pull),
            ["primary"] = List(plan.Addresses.Primary),
        },
        ["certificate"] = new JsonObject
        {
            ["algorithm"] = CertificateAlgorithms.Word(plan.Certificate.Algorithm),
            ["lifetimeDays"] = (int)plan.Certificate.Lifetime.TotalDays,
            ["dnsNames"] = List(plan.Certificate.Names.DnsNames),
            ["ipAddresses"] = List(plan.Certificate.Names.Addresses),
        },
    };

    private static JsonObject Secret(NamespacedName name, string type, params string[] keys) => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Secret",
        ["metadata"] = new JsonObject { ["namespace"] = name.Namespace, ["name"] = name.Name },
        ["type"] = type,
        ["data"] = new JsonObject(keys.Select(key => KeyValuePair.Create<string, JsonNode?>(key, "(not shown)"))),
    };

    private static JsonObject Owned(JsonObject secret, RegistryPlan plan)
    {
        secret["metadata"]!["ownerReferences"] = new JsonArray(new JsonObject
        {
            ["apiVersion"] = plan.Owner.ApiVersion,
            ["kind"] = plan.Owner.Kind,
            ["name"] = plan.Owner.Name,
            ["uid"] = plan.Owner.Uid,
        });
        return secret;
    }

    private static JsonObject Nodes(NodePlan nodes) => new()
    {
        ["files"] = new JsonArray([.. nodes.Files.Select(file => (JsonNode)File(file))]),
        ["preKubeadmCommands"] = List(nodes.Commands),
    };

    private static JsonObject File(NodeFile file)
    {
        var json = new JsonObject { ["path"] = file.Path, ["owner"] = NodeFile.Owner, ["permissions"] = file.Permissions };
        if (file.Source is { } source)
            json["contentFrom"] = new JsonObject { ["secret"] = new JsonObject { ["name"] = source.SecretName, ["key"] = source.Key } };
        else
            json["content"] = file.Content;
        return json;
    }

    private static JsonNode ToJson(RegistryPlan plan) =>
        JsonSerializer.SerializeToNode(
            ChartProxyFactory.Create(plan, ChartValues.Build(plan, NotIssuedYet)), RegistryJson.Default.HelmChartProxy)!;

    private static JsonArray List<T>(IEnumerable<T> items) => new([.. items.Select(item => JsonValue.Create(item!.ToString()))]);
}

/// <summary>A printed plan.</summary>
/// <param name="Yaml">The documents; null when the Cluster has problems.</param>
/// <param name="Problems">The sentences; null when there are none.</param>
public sealed record PlanText(string? Yaml, string? Problems);
