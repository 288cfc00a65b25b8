using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>How JSON goes over the wire, and how an object is turned from one served version into another.</summary>
internal static class ApiJson
{
    public static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Bytes(JsonNode node) => JsonSerializer.SerializeToUtf8Bytes(node, Options);

    /// <summary>An object as the given version shows it. Cheap when that is the stored version.</summary>
    public static byte[] Render(StoredObject stored, ServedVersion version) =>
        version == stored.Resource.Stored ? stored.Json : Bytes(Read(stored, version));

    public static JsonObject Read(StoredObject stored, ServedVersion version)
    {
        var value = stored.ToJson();
        if (version == stored.Resource.Stored) return value;
        return Convert(value, version, name => version.Renames.FirstOrDefault(pair => pair.Value == name).Key);
    }

    public static JsonObject ToStored(JsonObject value, ApiResource resource, ServedVersion version) =>
        version == resource.Stored ? value : Convert(value, resource.Stored, name => version.Renames.GetValueOrDefault(name));

    /// <summary>The metadata alone, as the API shows it to a caller that asks for PartialObjectMetadata.</summary>
    public static JsonObject Header(JsonObject value) => new()
    {
        ["kind"] = "PartialObjectMetadata",
        ["apiVersion"] = "meta.k8s.io/v1",
        ["metadata"] = value["metadata"]!.DeepClone(),
    };

    private static JsonObject Convert(JsonObject value, ServedVersion target, Func<string, string?> rename)
    {
        var result = new JsonObject();
        foreach (var (name, field) in value) result[rename(name) ?? name] = field?.DeepClone();
        result["apiVersion"] = target.GroupVersion;
        result["kind"] = target.Kind;
        return result;
    }
}
