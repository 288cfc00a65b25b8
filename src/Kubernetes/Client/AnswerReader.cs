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
    public static T Object<T>(string resource, ResourceType<T> type, ReadOnlySpan<byte> body)
        where T : IKubernetesObject
    {
        try
        {
            var answer = JsonSerializer.Deserialize(body, type.Json);
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
            return JsonSerializer.Deserialize(body, json) ?? throw new JsonException("The answer is null.");
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

    /// <summary>Strings that are not Unicode show as <see cref="InvalidOperationException"/>.</summary>
    public static bool IsNotJson(Exception exception) => exception is JsonException or InvalidOperationException;

    // The serializer's own message can quote what it stumbled on, so it stays out, and so does the exception.
    private static KubernetesApiException NotJson(string resource, Exception exception) =>
        new(KubernetesFault.BadResponse, resource,
            $"the answer is not valid JSON of this kind{((exception as JsonException)?.Path is { } path ? $" at {path}" : "")}");
}
