using System.Text.Json;
using System.Text.Json.Serialization;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>
/// The part of a Cluster API Cluster that this product reads. It has the same shape in cluster.x-k8s.io v1beta1 and
/// v1beta2; of <c>status</c> only this product's own condition is read, see <see cref="RegistryCondition"/>.
/// </summary>
public sealed record Cluster : IKubernetesObject
{
    /// <summary>Of a uid, which has 36 characters, and of a version of Kubernetes.</summary>
    public const int LongestText = 128;

    /// <summary>Group and version; absent in requests of Cluster API 1.11 and 1.12.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Absent in requests of Cluster API 1.11 and 1.12.</summary>
    public string? Kind { get; init; }

    /// <summary>Name, namespace, uid, labels and annotations.</summary>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>What the user asked for.</summary>
    public ClusterSpec? Spec { get; init; }

    /// <summary>What controllers report, of any shape; null in most requests.</summary>
    [JsonInclude]
    internal JsonElement? Status { get; init; }

    /// <summary>Reads a Cluster out of a hook request, or out of a manifest that was converted to JSON.</summary>
    /// <exception cref="ClusterFormatException">A field has the wrong type, name or namespace are missing, or have a value that no object
    /// has.</exception>
    public static Cluster Read(JsonElement json)
    {
        var cluster = Deserialize(json);
        if (string.IsNullOrEmpty(cluster.Metadata.Name))
            throw new ClusterFormatException("The Cluster has no metadata.name.");
        if (string.IsNullOrEmpty(cluster.Metadata.Namespace))
            throw new ClusterFormatException("The Cluster has no metadata.namespace.");
        if (FieldThatNoClusterHas(cluster) is { } field)
            throw new ClusterFormatException($"The field {field} of the Cluster has a value that no object has.");
        return cluster;
    }

    /// <summary>
    /// Names go into paths, uid and version are remembered while an upgrade is blocked; a body may hold megabytes of each.
    /// </summary>
    private static string? FieldThatNoClusterHas(Cluster cluster) =>
        !KubernetesNames.IsSegment(cluster.Metadata.Name!) ? "metadata.name"
        : !KubernetesNames.IsSegment(cluster.Metadata.Namespace!) ? "metadata.namespace"
        : cluster.Metadata.Uid?.Length > LongestText ? "metadata.uid"
        : cluster.Spec?.Topology?.Version?.Length > LongestText ? "spec.topology.version" : null;

    /// <summary>Reads a Cluster that is about to be created, whose name and uid the API server may not have made yet.</summary>
    /// <param name="json">The object of the admission request.</param>
    /// <param name="namespace">The namespace of the admission request.</param>
    /// <exception cref="ClusterFormatException">A field has the wrong type.</exception>
    public static Cluster ReadUnnamed(JsonElement json, string @namespace)
    {
        var cluster = Deserialize(json);
        return cluster with { Metadata = cluster.Metadata with { Namespace = @namespace } };
    }

    private static Cluster Deserialize(JsonElement json)
    {
        Cluster? cluster;
        try
        {
            cluster = json.Deserialize(RegistryJson.Default.Cluster);
        }
        catch (JsonException exception)
        {
            throw new ClusterFormatException(
                $"The field {FieldText.Of("cluster", exception.Path)} of the Cluster has the wrong type.", exception);
        }

        if (cluster?.Metadata is null)
            throw new ClusterFormatException("The Cluster has no metadata.name.");
        return RegistryResources.IsClusterVersion(cluster.ApiVersion)
            ? cluster
            : throw new ClusterFormatException("The field cluster.apiVersion is not a version of cluster.x-k8s.io.");
    }

    /// <summary>A Cluster of which only this is known, as in the requests for its topology.</summary>
    public static Cluster Describe(string name, string @namespace, string uid, ClusterSpec spec) =>
        new() { Metadata = new ObjectMeta { Name = name, Namespace = @namespace, Uid = uid }, Spec = spec };

    /// <summary>Namespace and name.</summary>
    internal NamespacedName Name => new(Metadata.Namespace ?? "", Metadata.Name ?? "");

    /// <summary>The same, as others name the Cluster.</summary>
    internal ClusterKey Key => new(Name.Namespace, Name.Name);

    /// <summary>Namespace and name for logs: printable, at most 256 characters, whatever a request says.</summary>
    public string DisplayName => FieldText.Sentence(Name.ToString());
}

/// <summary>The spec of a <see cref="Cluster"/>.</summary>
public sealed record ClusterSpec
{
    /// <summary>CIDR blocks and DNS domain; absent means the defaults of kubeadm.</summary>
    public ClusterNetwork? ClusterNetwork { get; init; }

    /// <summary>True while the user wants controllers to leave the Cluster alone.</summary>
    public bool? Paused { get; init; }

    /// <summary>Absent on a Cluster without a managed topology.</summary>
    public ClusterTopology? Topology { get; init; }

    /// <summary>Absent until Cluster API has made the control plane of a Cluster with a topology.</summary>
    public ObjectName? ControlPlaneRef { get; init; }

    /// <summary>Absent until Cluster API has made the infrastructure of a Cluster with a topology.</summary>
    public ObjectName? InfrastructureRef { get; init; }
}

/// <summary>A reference to another object.</summary>
public sealed record ObjectName
{
    /// <summary>The object's name.</summary>
    public string? Name { get; init; }

    /// <summary>The object's namespace; absent means that of the Cluster.</summary>
    public string? Namespace { get; init; }
}

/// <summary>The network of a <see cref="Cluster"/>.</summary>
public sealed record ClusterNetwork
{
    /// <summary>Where Services get their addresses.</summary>
    public NetworkRanges? Services { get; init; }

    /// <summary>The DNS domain of Services; absent or empty means <c>cluster.local</c>.</summary>
    public string? ServiceDomain { get; init; }
}

/// <summary>A list of CIDR blocks.</summary>
public sealed record NetworkRanges
{
    /// <summary>One block, or two of different families for dual stack; null and empty mean the default.</summary>
    public IReadOnlyList<string>? CidrBlocks { get; init; }
}

/// <summary>The managed topology of a <see cref="Cluster"/>.</summary>
public sealed record ClusterTopology
{
    /// <summary>The Kubernetes version asked for, for example <c>v1.34.0</c>.</summary>
    public string? Version { get; init; }

    /// <summary>The name of the ClusterClass in v1beta1.</summary>
    public string? Class { get; init; }

    /// <summary>The namespace of the ClusterClass in v1beta1; absent means that of the Cluster.</summary>
    public string? ClassNamespace { get; init; }

    /// <summary>The ClusterClass in v1beta2.</summary>
    public ObjectName? ClassRef { get; init; }

    /// <summary>The values of the ClusterClass variables.</summary>
    public IReadOnlyList<ClusterVariable>? Variables { get; init; }

    /// <summary>The control plane; absent where defaults decide.</summary>
    public NodeGroup? ControlPlane { get; init; }

    /// <summary>The other nodes; absent when there are none.</summary>
    public TopologyWorkers? Workers { get; init; }

    /// <summary>
    /// How many nodes are asked for at least. Workers without a number are one: their default, or what an autoscaler starts with. A control
    /// plane without a number may be a managed one, which has no nodes.
    /// </summary>
    internal long Nodes => Math.Max(0, ControlPlane?.Replicas ?? 0) + Count(Workers?.MachineDeployments) + Count(Workers?.MachinePools);

    private static long Count(IReadOnlyList<NodeGroup?>? groups) => groups?.Sum(group => (long)Math.Max(0, group?.Replicas ?? 1)) ?? 0;
}

/// <summary>The nodes of a topology besides its control plane.</summary>
public sealed record TopologyWorkers
{
    /// <summary>MachineDeployments.</summary>
    public IReadOnlyList<NodeGroup?>? MachineDeployments { get; init; }

    /// <summary>MachinePools.</summary>
    public IReadOnlyList<NodeGroup?>? MachinePools { get; init; }
}

/// <summary>Nodes of one kind in a topology.</summary>
public sealed record NodeGroup
{
    /// <summary>How many; null where an autoscaler or a default decides.</summary>
    public int? Replicas { get; init; }
}

/// <summary>One variable of a topology.</summary>
public sealed record ClusterVariable
{
    /// <summary>The variable's name.</summary>
    public string? Name { get; init; }

    /// <summary>Any JSON value.</summary>
    public JsonElement Value { get; init; }
}

/// <summary>The text is not a Cluster. The message is a fixed sentence that names the field.</summary>
public sealed class ClusterFormatException(string message, Exception? cause = null) : Exception(message, cause);
