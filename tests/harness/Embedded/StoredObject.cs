using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// One revision of an object, never changed once made: its bytes in the stored version, and what lists, watches and garbage collection
/// ask about
/// it. The bytes are the truth, so that nobody can share a mutable tree with another request.
/// </summary>
internal sealed class StoredObject
{
    private static readonly ImmutableDictionary<string, string> NoLabels = ImmutableDictionary<string, string>.Empty;

    public StoredObject(ApiResource resource, JsonObject value, long revision)
    {
        var metadata = value["metadata"]!.AsObject();
        metadata["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture);
        Resource = resource;
        Revision = revision;
        Namespace = (string?)metadata["namespace"] ?? "";
        Name = (string)metadata["name"]!;
        Uid = (string)metadata["uid"]!;
        Labels = metadata["labels"] is JsonObject labels
            ? labels.ToImmutableDictionary(label => label.Key, label => (string?)label.Value ?? "", StringComparer.Ordinal)
            : NoLabels;
        OwnerUids = metadata["ownerReferences"] is JsonArray owners ? [.. owners.Select(owner => (string)owner!["uid"]!)] : [];
        IsTerminating = metadata.ContainsKey("deletionTimestamp");
        Json = JsonSerializer.SerializeToUtf8Bytes(value, ApiJson.Options);
    }

    public ApiResource Resource { get; }

    public string Namespace { get; }

    public string Name { get; }

    public string Uid { get; }

    public long Revision { get; }

    public ImmutableDictionary<string, string> Labels { get; }

    public ImmutableArray<string> OwnerUids { get; }

    public bool IsTerminating { get; }

    public byte[] Json { get; }

    /// <summary>The order of keys in etcd: a name space's objects stay together, in ordinal order of "namespace/name".</summary>
    public string Key => KeyOf(Namespace, Name);

    public static string KeyOf(string @namespace, string name) => $"{@namespace}/{name}";

    /// <summary>A fresh tree of the stored version, for a writer to change.</summary>
    public JsonObject ToJson() => JsonNode.Parse(Json)!.AsObject();
}
