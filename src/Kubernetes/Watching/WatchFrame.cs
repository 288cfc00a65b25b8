using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Watching;

/// <summary>One line of a watch: a change, or a bookmark that only tells how far the server is.</summary>
/// <param name="Kind">The change; null is a bookmark.</param>
/// <param name="Value">The object; null on a bookmark.</param>
/// <param name="ResourceVersion">Where a later watch goes on.</param>
internal readonly record struct WatchFrame<T>(WatchEventKind? Kind, T? Value, string? ResourceVersion)
    where T : IKubernetesObject
{
    /// <summary>Reads a line.</summary>
    /// <exception cref="JsonException">The line is not a watch event.</exception>
    /// <exception cref="KubernetesApiException">The line is the server's ERROR event.</exception>
    public static WatchFrame<T> Read(in ReadOnlySequence<byte> line, JsonTypeInfo<T> json, string resource)
    {
        (var type, var value) = Split(line);
        return type switch
        {
            "ADDED" => Change(WatchEventKind.Added, value, json),
            "MODIFIED" => Change(WatchEventKind.Modified, value, json),
            "DELETED" => Change(WatchEventKind.Deleted, value, json),
            "BOOKMARK" =>
                new WatchFrame<T>(null, default, Deserialize(value, KubernetesJson.Default.PartialObject).Metadata?.ResourceVersion),
            "ERROR" => throw Failure(value, resource),
            _ => throw new JsonException("The type of the watch event is not known."),
        };
    }

    private static KubernetesApiException Failure(in ReadOnlySequence<byte> value, string resource)
    {
        var status = Deserialize(value, KubernetesJson.Default.ApiStatus);
        return ApiExceptions.OfAnswer(resource, status.Code ?? 500, null, status);
    }

    private static WatchFrame<T> Change(WatchEventKind kind, in ReadOnlySequence<byte> value, JsonTypeInfo<T> json)
    {
        var item = AnswerReader.Checked(Deserialize(value, json));
        return new WatchFrame<T>(kind, item, item.Metadata.ResourceVersion);
    }

    // The object can only be read once its type is known, and nothing promises that the type comes first.
    private static (string? Type, ReadOnlySequence<byte> Value) Split(in ReadOnlySequence<byte> line)
    {
        Utf8JsonReader reader = new(line, AnswerReader.Options);
        string? type = null;
        ReadOnlySequence<byte> value = default;
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            var isObject = reader.ValueTextEquals("object"u8);
            reader.Read();
            var start = reader.TokenStartIndex;
            if (isType)
                type = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
            reader.Skip();
            if (isObject)
                value = line.Slice(start, reader.BytesConsumed - start);
        }

        return (type, value);
    }

    private static TValue Deserialize<TValue>(in ReadOnlySequence<byte> value, JsonTypeInfo<TValue> json)
    {
        Utf8JsonReader reader = new(value, AnswerReader.Options);
        return JsonSerializer.Deserialize(ref reader, json) ?? throw new JsonException("The object of the watch event is null.");
    }
}
