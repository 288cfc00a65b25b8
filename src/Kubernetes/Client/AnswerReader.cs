using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>
/// Reads objects and lists out of answers. Every field comes from another party, so an answer with an object that no API server stores
/// (no name, a name that is not one, null among labels) is refused as a whole.
/// </summary>
internal static class AnswerReader
{
    /// <summary>
    /// Deeper than what API servers take, which is 10,000 levels: a tenant's object that is nested deeply must not hide those of all
    /// others. Nothing of it is built; what is not known is skipped without recursion.
    /// </summary>
    public static readonly JsonReaderOptions Options = new() { MaxDepth = 20_000 };

    public static T Object<T>(string resource, ResourceType<T> type, ReadOnlySpan<byte> body)
        where T : IKubernetesObject
    {
        try
        {
            var answer = Deserialize(body, type.Json);
            return type.IsReview && answer?.Metadata is not null ? answer : Checked(answer);
        }
        catch (Exception exception) when (IsNotJson(exception))
        {
            throw NotJson(resource, exception);
        }
    }

    /// <summary>An answer that is not an object of the API.</summary>
    public static T Plain<T>(string resource, JsonTypeInfo<T> json, ReadOnlySpan<byte> body)
        where T : class
    {
        try
        {
            return Deserialize(body, json) ?? throw new JsonException("The answer is null.");
        }
        catch (Exception exception) when (IsNotJson(exception))
        {
            throw NotJson(resource, exception);
        }
    }

    /// <summary>A page of a list; what comes after the first <paramref name="most"/> objects is not read.</summary>
    public static ListPage<T> Page<T>(string resource, ResourceType<T> type, ReadOnlySpan<byte> body, int most = int.MaxValue)
        where T : IKubernetesObject
    {
        try
        {
            return ListPage<T>.Read(body, type.Json, most);
        }
        catch (Exception exception) when (IsNotJson(exception))
        {
            throw NotJson(resource, exception);
        }
    }

    /// <summary>The object, if it is one that can be stored.</summary>
    /// <exception cref="JsonException">It is not.</exception>
    public static T Checked<T>(T? value)
        where T : IKubernetesObject =>
        value?.Metadata is { IsValid: true } ? value : throw new JsonException("The object has no valid metadata.");

    private static T? Deserialize<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> json)
    {
        Utf8JsonReader reader = new(body, Options);
        var value = JsonSerializer.Deserialize(ref reader, json);
        // Throws when something follows.
        reader.Read();
        return value;
    }

    /// <summary>Strings that are not Unicode show as <see cref="InvalidOperationException"/>.</summary>
    public static bool IsNotJson(Exception exception) => exception is JsonException or InvalidOperationException;

    // The serializer's own message can quote what it stumbled on, so it stays out, and so does the exception.
    private static KubernetesApiException NotJson(string resource, Exception exception) =>
        new(KubernetesFault.BadResponse, resource,
            $"the answer is not valid JSON of this kind{((exception as JsonException)?.Path is { } path ? $" at {path}" : "")}");
}
