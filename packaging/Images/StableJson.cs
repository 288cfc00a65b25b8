using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Packaging.Images;

/// <summary>JSON with the members in the order in which they were added: the same document, the same bytes.</summary>
internal static class StableJson
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NewLine = "\n",
        WriteIndented = true,
    };

    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] ToBytes(JsonNode node) => JsonSerializer.SerializeToUtf8Bytes(node, Compact);

    /// <summary>For files that people open.</summary>
    public static byte[] ToReadableBytes(JsonNode node) => [.. JsonSerializer.SerializeToUtf8Bytes(node, Indented), (byte)'\n'];
}
