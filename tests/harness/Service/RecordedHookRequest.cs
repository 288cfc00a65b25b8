using System.Text;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Service;

/// <summary>A request as the real controllers of Cluster API sent it, to the handlers of this service.</summary>
public sealed record RecordedHookRequest
{
    /// <summary>The versions of Cluster API whose requests are here: the last with v1beta1 Clusters, and the first with v1beta2.</summary>
    public static readonly IReadOnlyList<string> Versions = ["1.12.5", "1.13.4"];

    private RecordedHookRequest(string path, JsonObject body)
    {
        Path = path;
        Body = body;
    }

    /// <summary>Path and query.</summary>
    public string Path { get; private init; }

    /// <summary>The body; a copy of its own for each load.</summary>
    public JsonObject Body { get; }

    /// <summary>Loads the request that Cluster API of that version sent for the hook.</summary>
    public static RecordedHookRequest Load(string version, string hook)
    {
        using var stream = typeof(RecordedHookRequest).Assembly.GetManifestResourceStream($"requests/cluster-api-{version}.{hook}.json")
            ?? throw new ArgumentException($"There is no recorded {hook} of Cluster API {version}.", nameof(hook));
        var recorded = JsonNode.Parse(stream)!;
        // Recorded with another extension, whose handler has another name.
        var path = ((string)recorded["path"]!).Replace("/generatepatches?", "/generatepatches-v1?", StringComparison.Ordinal);
        return new RecordedHookRequest(path, (JsonObject)recorded["body"]!.DeepClone());
    }

    /// <summary>The same request to a handler of another name, such as a later version of it.</summary>
    public RecordedHookRequest ToHandler(string name) =>
        this with { Path = $"{Path[..Path.LastIndexOf('/')]}/{name}{Path[Path.IndexOf('?')..]}" };

    /// <summary>Makes the request one for another cluster, and keeps its shape.</summary>
    public RecordedHookRequest For(TestCluster cluster)
    {
        var metadata = (JsonObject)Body["cluster"]!["metadata"]!;
        metadata["name"] = cluster.Name;
        metadata["namespace"] = cluster.Namespace;
        metadata["uid"] = cluster.Uid;
        if (metadata["labels"] is JsonObject labels && labels.ContainsKey("cluster.x-k8s.io/cluster-name"))
            labels["cluster.x-k8s.io/cluster-name"] = cluster.Name;
        foreach (var (key, value) in cluster.Annotations)
            metadata["annotations"]![key] = value;

        var spec = (JsonObject)Body["cluster"]!["spec"]!;
        // The Clusters of tests leave their nodes to the class; the reconciler reads them there.
        spec["topology"]!.AsObject().Remove("controlPlane");
        spec["topology"]!.AsObject().Remove("workers");
        spec["topology"]!["variables"] = new JsonArray(
            new JsonObject { ["name"] = "clusterConfig", ["value"] = cluster.ClusterConfig.DeepClone() });
        if (cluster.ServiceCidrBlocks is { } blocks)
            spec["clusterNetwork"]!["services"]!["cidrBlocks"] = new JsonArray([.. blocks.Select(block => JsonValue.Create(block))]);
        return this;
    }

    /// <summary>Makes an upgrade request one to another version.</summary>
    public RecordedHookRequest To(string kubernetesVersion)
    {
        Body["toKubernetesVersion"] = kubernetesVersion;
        Body["cluster"]!["spec"]!["topology"]!["version"] = kubernetesVersion;
        return this;
    }

    /// <summary>The body as it goes over the wire.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(Body.ToJsonString());
}

/// <summary>A Cluster that a test plays with.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Namespace">Its namespace on the management cluster.</param>
/// <param name="Uid">The uid that the management API server gave it.</param>
public sealed record TestCluster(string Name, string Namespace, string Uid)
{
    /// <summary>The value of the topology variable <c>clusterConfig</c>.</summary>
    public JsonObject ClusterConfig { get; init; } = new() { ["addons"] = new JsonObject { ["registry"] = new JsonObject() } };

    /// <summary>The service CIDR blocks; null keeps the recorded ones.</summary>
    public IReadOnlyList<string>? ServiceCidrBlocks { get; init; }

    /// <summary>More annotations of the Cluster.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();
}
