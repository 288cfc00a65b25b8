using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>Makes the calls of the API from what the caller means, and refuses what can't be meant before anything is sent.</summary>
internal static class CallFactory
{
    /// <summary>A pod takes 3 to 5 KB, and a node has 110 pods unless its admin wants more.</summary>
    private const int LargestSummary = 8 * 1024 * 1024;

    public static ApiRequest Get<T>(ResourceType<T> type, NamespacedName name)
        where T : IKubernetesObject =>
        new(HttpMethod.Get, ResourcePath.Object(type, name), Describe(type, name), Repeat.Safe)
        {
            Accept = type.MetadataOnly ? MediaTypes.Metadata : MediaTypes.Json,
        };

    public static ApiRequest List<T>(ResourceType<T> type, ListOptions options, int pageSize, string? next)
        where T : IKubernetesObject
    {
        if (pageSize is < 1 or > 10_000)
            throw new ArgumentException($"{nameof(ListOptions.PageSize)} must be from 1 to 10000, but is {pageSize}.");
        var path = ResourcePath.WithQuery(
            ResourcePath.Collection(type, options.Namespace),
            ("labelSelector", options.LabelSelector),
            ("fieldSelector", options.FieldSelector),
            ("limit", ResourcePath.Number(pageSize)),
            ("continue", next));
        return new ApiRequest(HttpMethod.Get, path, Describe(type, options), Repeat.Safe)
        {
            Accept = type.MetadataOnly ? MediaTypes.MetadataList : MediaTypes.Json,
        };
    }

    public static ApiRequest Watch<T>(ResourceType<T> type, ListOptions options, string resourceVersion, TimeSpan length)
        where T : IKubernetesObject
    {
        var path = ResourcePath.WithQuery(
            ResourcePath.Collection(type, options.Namespace),
            ("watch", "true"),
            ("labelSelector", options.LabelSelector),
            ("fieldSelector", options.FieldSelector),
            ("resourceVersion", resourceVersion),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", ResourcePath.Number((long)length.TotalSeconds)));
        return new ApiRequest(HttpMethod.Get, path, Describe(type, options), Repeat.Safe)
        {
            Accept = type.MetadataOnly ? MediaTypes.Metadata : MediaTypes.Json,
        };
    }

    public static ApiRequest Create<T>(ResourceType<T> type, T value, string fieldManager)
        where T : IKubernetesObject
    {
        var name = NameOf(type, value);
        if (type.Namespaced && name.Namespace.Length == 0)
            throw new ArgumentException($"A {type.Kind} to create needs a namespace in its metadata.");
        var path = ResourcePath.WithQuery(
            ResourcePath.Collection(type, type.Namespaced ? name.Namespace : null), ("fieldManager", Manager(fieldManager)));
        return new ApiRequest(HttpMethod.Post, path, Describe(type, name), Repeat.WhenNotDone)
        {
            Body = Serialize(type, value),
            HoldsSecrets = HoldsSecrets(type),
        };
    }

    public static ApiRequest Apply<T>(ResourceType<T> type, T value, ApplyOptions options)
        where T : IKubernetesObject
    {
        var name = NameOf(type, value);
        var path = ResourcePath.WithQuery(
            ResourcePath.Object(type, name) + (options.OnStatus ? "/status" : ""), ("fieldManager", Manager(options.FieldManager)),
            ("force", options.Force ? "true" : "false"));
        return new ApiRequest(HttpMethod.Patch, path, Describe(type, name), Repeat.Safe)
        {
            Body = Serialize(type, value),
            MediaType = MediaTypes.Apply,
            HoldsSecrets = HoldsSecrets(type),
        };
    }

    public static ApiRequest MergePatch<T>(ResourceType<T> type, NamespacedName name, JsonObject patch, string fieldManager)
        where T : IKubernetesObject
    {
        var path = ResourcePath.WithQuery(ResourcePath.Object(type, name), ("fieldManager", Manager(fieldManager)));
        var conditional = patch["metadata"] is JsonObject meta && meta["resourceVersion"] is not null;
        return new ApiRequest(HttpMethod.Patch, path, Describe(type, name), conditional ? Repeat.Safe : Repeat.WhenNotDone)
        {
            Body = Bytes(patch),
            MediaType = MediaTypes.MergePatch,
            HoldsSecrets = HoldsSecrets(type),
        };
    }

    public static ApiRequest Delete<T>(ResourceType<T> type, NamespacedName name, DeleteOptions options)
        where T : IKubernetesObject
    {
        JsonObject body = new() { ["apiVersion"] = "v1", ["kind"] = "DeleteOptions" };
        JsonObject preconditions = [];
        if (options.Uid is not null)
            preconditions["uid"] = options.Uid;
        if (options.ResourceVersion is not null)
            preconditions["resourceVersion"] = options.ResourceVersion;
        if (options.OrphansDependents)
            body["propagationPolicy"] = "Orphan";
        var conditional = preconditions.Count > 0;
        if (conditional)
            body["preconditions"] = preconditions;
        return new ApiRequest(
            HttpMethod.Delete, ResourcePath.Object(type, name), Describe(type, name), conditional ? Repeat.Safe : Repeat.WhenNotDone)
        {
            Body = Bytes(body),
        };
    }

    /// <summary>What a node's kubelet has measured, through the API server.</summary>
    public static ApiRequest NodeSummary(string node) =>
        new(HttpMethod.Get, ResourcePath.NodeProxy(node) + "/stats/summary", $"statistics of the node {node}", Repeat.Safe)
        {
            MostBytes = LargestSummary,
        };

    /// <summary>A connection to ports of a pod, whose streams name the port. Nothing has happened at the pod before it is used, but it
    /// can't be repeated midway.</summary>
    public static ApiRequest Forward(NamespacedName pod) => new(
        HttpMethod.Post, ForwardPath(pod), Describe(CoreResources.Pods, pod), Repeat.WhenNotDone) { Upgrade = SpdyUpgrade.Ask };

    /// <summary>The same in a WebSocket, which has one port.</summary>
    public static ApiRequest ForwardInWebSocket(NamespacedName pod, int port, string key) => new(
        HttpMethod.Get, ResourcePath.WithQuery(ForwardPath(pod), ("ports", ResourcePath.Number(port))),
        Describe(CoreResources.Pods, pod), Repeat.WhenNotDone) { Upgrade = headers => WebSocketUpgrade.Ask(headers, key) };

    public static string Describe<T>(ResourceType<T> type, NamespacedName name)
        where T : IKubernetesObject => $"{type} {name}";

    private static string ForwardPath(NamespacedName pod) => ResourcePath.Object(CoreResources.Pods, pod) + "/portforward";

    private static string Describe<T>(ResourceType<T> type, ListOptions options)
        where T : IKubernetesObject => options.Namespace is null || !type.Namespaced ? type.ToString() : $"{type} in {options.Namespace}";

    private static bool HoldsSecrets<T>(ResourceType<T> type)
        where T : IKubernetesObject => type is ResourceType<Secret>;

    private static NamespacedName NameOf<T>(ResourceType<T> type, T value)
        where T : IKubernetesObject
    {
        if (value.ApiVersion != type.ApiVersion || value.Kind != type.Kind)
            throw new ArgumentException($"The object says {value.ApiVersion} {value.Kind}, but {type} hold {type.ApiVersion} {type.Kind}.");
        var meta = value.Metadata ?? throw new ArgumentException($"The {type.Kind} has no metadata.");
        return new NamespacedName(
            meta.Namespace ?? "", meta.Name
                ?? meta.GenerateName ?? (type.IsReview ? "" : null) ?? throw new ArgumentException($"The {type.Kind} has no name."));
    }

    private static string Manager(string fieldManager) => fieldManager is { Length: > 0 and <= 128 }
        ? fieldManager
        : throw new ArgumentException("A field manager has 1 to 128 characters.", nameof(fieldManager));

    private static byte[] Serialize<T>(ResourceType<T> type, T value)
        where T : IKubernetesObject => JsonSerializer.SerializeToUtf8Bytes(value, type.Json);

    // A node writes itself without any generated or reflected code.
    private static byte[] Bytes(JsonNode node)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
            node.WriteTo(writer);
        return stream.ToArray();
    }
}
