using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>What a node's kubelet has measured, as far as volumes go: the answer of <c>/stats/summary</c>.</summary>
public sealed record NodeSummary
{
    /// <summary>The pods of the node; more than any node runs are not read.</summary>
    [JsonConverter(typeof(FirstPods))]
    public IReadOnlyList<PodStatistics>? Pods { get; init; }
}

/// <summary>What a kubelet has measured of a pod.</summary>
public sealed record PodStatistics
{
    /// <summary>Which pod.</summary>
    public PodReference? PodRef { get; init; }

    /// <summary>Its volumes that have statistics; absent until the kubelet has measured them, about a minute after the start.</summary>
    [JsonConverter(typeof(FirstVolumes))]
    public IReadOnlyList<VolumeStatistics>? Volume { get; init; }
}

/// <summary>Names a pod in a <see cref="NodeSummary"/>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Namespace">Its namespace.</param>
public sealed record PodReference(string? Name, string? Namespace);

/// <summary>What a kubelet has measured of a volume. Every number comes from the file system and may be absent.</summary>
public sealed record VolumeStatistics
{
    /// <summary>The name of the volume in its pod.</summary>
    public string? Name { get; init; }

    /// <summary>Size of the file system, in bytes.</summary>
    public ulong? CapacityBytes { get; init; }

    /// <summary>What is left for users without privileges, in bytes.</summary>
    public ulong? AvailableBytes { get; init; }

    /// <summary>The number of inodes; 0 on file systems without a fixed number.</summary>
    public ulong? Inodes { get; init; }

    /// <summary>The number of inodes that are left.</summary>
    public ulong? InodesFree { get; init; }
}

/// <summary>The first pods of a node.</summary>
internal sealed class FirstPods() : FirstItems<PodStatistics>(1000);

/// <summary>The first volumes of a pod.</summary>
internal sealed class FirstVolumes() : FirstItems<VolumeStatistics>(100);

/// <summary>
/// Reads the first items of a list and skips the others: the answer comes from a node that anybody may run, and a record takes many times
/// the bytes of an empty object.
/// </summary>
/// <param name="most">How many are read.</param>
internal abstract class FirstItems<T>(int most) : JsonConverter<IReadOnlyList<T>?>
{
    public override IReadOnlyList<T>? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException("The value is not a list.");
        List<T> items = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (items.Count == most)
                reader.Skip();
            else if (JsonSerializer.Deserialize(ref reader, (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T))) is { } item)
                items.Add(item);
        }

        return items;
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<T>? value, JsonSerializerOptions options) =>
        throw new NotSupportedException("Statistics are only read.");
}
