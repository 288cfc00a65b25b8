using System.Text.Json;
using System.Text.Json.Serialization;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>
/// The condition that this product keeps on Clusters. It lies in the list of which each controller may own entries of its own: that is
/// <c>status.conditions</c> in v1beta2, and <c>status.v1beta2.conditions</c> in v1beta1, whose <c>status.conditions</c> has one owner.
/// </summary>
internal static class RegistryCondition
{
    public const string Type = "capi-registry-hook.io/RegistryReady";

    private const string Conditions = "conditions";
    private const string ContractGroup = "v1beta2";

    /// <summary>The condition as the Cluster was read with it; null when it has none.</summary>
    public static ObjectCondition? Find(Cluster cluster)
    {
        if (cluster.Status is not { } status || List(status, IsGrouped(cluster.ApiVersion)) is not { } list)
            return null;
        foreach (var entry in list.EnumerateArray())
        {
            if (entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty("type", out var type)
                && type.ValueKind == JsonValueKind.String && type.ValueEquals(Type))
                return Read(entry);
        }

        return null;
    }

    /// <summary>What is applied to the status of a Cluster so that it has the condition, and nothing else of this product.</summary>
    /// <param name="cluster">The Cluster as it was read.</param>
    /// <param name="condition">The condition; null takes it away.</param>
    public static ClusterConditions Apply(Cluster cluster, ObjectCondition? condition)
    {
        var metadata = new ObjectMeta
        {
            Namespace = cluster.Metadata.Namespace, Name = cluster.Metadata.Name, Uid = cluster.Metadata.Uid,
        };
        var list = condition is null ? null : new ConditionList([condition]);
        var status = list is null ? null
            : IsGrouped(cluster.ApiVersion) ? new ClusterConditionStatus { V1Beta2 = list }
            : new ClusterConditionStatus { Conditions = list.Conditions };
        return new ClusterConditions { ApiVersion = cluster.ApiVersion, Kind = "Cluster", Metadata = metadata, Status = status };
    }

    private static bool IsGrouped(string? apiVersion) =>
        apiVersion == $"{RegistryResources.ClusterGroup}/{RegistryResources.OldestClusterVersion}";

    private static JsonElement? List(JsonElement status, bool isGrouped)
    {
        if (isGrouped && (status.ValueKind != JsonValueKind.Object || !status.TryGetProperty(ContractGroup, out status)))
            return null;
        return status.ValueKind == JsonValueKind.Object && status.TryGetProperty(Conditions, out var list)
            && list.ValueKind == JsonValueKind.Array ? list : null;
    }

    /// <summary>An entry that can't be read is replaced like one that says something else.</summary>
    private static ObjectCondition? Read(JsonElement entry)
    {
        try
        {
            return entry.Deserialize(RegistryJson.Default.ObjectCondition);
        }
        catch (JsonException)
        {
            return new ObjectCondition();
        }
    }
}

/// <summary>A Cluster of which only this product's condition is written.</summary>
internal sealed record ClusterConditions : IKubernetesObject
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public ObjectMeta Metadata { get; init; } = new();

    public ClusterConditionStatus? Status { get; init; }
}

/// <summary>The status of <see cref="ClusterConditions"/>; the list is in one of two places.</summary>
internal sealed record ClusterConditionStatus
{
    public IReadOnlyList<ObjectCondition>? Conditions { get; init; }

    [JsonPropertyName("v1beta2")]
    public ConditionList? V1Beta2 { get; init; }
}

internal sealed record ConditionList(IReadOnlyList<ObjectCondition>? Conditions);
