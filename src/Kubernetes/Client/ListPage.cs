using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>One page of a list.</summary>
/// <param name="Items">The objects.</param>
/// <param name="ResourceVersion">The version of the whole list, from which a watch goes on.</param>
/// <param name="Continue">The token of the next page; null on the last one.</param>
internal sealed record ListPage<T>(List<T> Items, string? ResourceVersion, string? Continue)
    where T : IKubernetesObject
{
    /// <summary>
    /// Reads a page item by item, straight from its bytes; there is no record per kind of list. Items after the first <paramref
    /// name="most"/> are skipped.
    /// </summary>
    /// <exception cref="JsonException">The bytes are not a list.</exception>
    public static ListPage<T> Read(ReadOnlySpan<byte> body, JsonTypeInfo<T> json, int most)
    {
        Utf8JsonReader reader = new(body, AnswerReader.Options);
        List<T>? items = null;
        ListMeta? meta = null;
        Expect(ref reader, JsonTokenType.StartObject);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("items"u8))
                items = ReadItems(ref reader, json, most);
            else if (reader.ValueTextEquals("metadata"u8))
                meta = JsonSerializer.Deserialize(ref reader, KubernetesJson.Default.ListMeta);
            else
                reader.Skip();
        }

        if (items is null || reader.TokenType != JsonTokenType.EndObject)
            throw new JsonException("The answer is not a list.");
        return new ListPage<T>(items, meta?.ResourceVersion, string.IsNullOrEmpty(meta?.Continue) ? null : meta.Continue);
    }

    private static List<T> ReadItems(ref Utf8JsonReader reader, JsonTypeInfo<T> json, int most)
    {
        List<T> items = [];
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
            return items;
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException("The items are not an array.");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (items.Count < most)
                items.Add(AnswerReader.Checked(JsonSerializer.Deserialize(ref reader, json)));
            else
                reader.Skip();
        }

        return items;
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType token)
    {
        if (!reader.Read() || reader.TokenType != token)
            throw new JsonException("The answer is not a JSON object.");
    }
}
