using System.Buffers;
using System.Text.Json;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Bundles;

/// <summary>What a bundle holds, and which blobs it leaves to an older one. The truth about a site, where a registry's listing is
/// not.</summary>
/// <param name="Content">One entry per name, in the order of names.</param>
/// <param name="Blobs">Blobs in the bundle, with their sizes in bytes.</param>
/// <param name="LeftOut">Blobs that it needs and that the older bundle brings.</param>
public sealed record BundleLock(
    IReadOnlyList<ContentSummary> Content, IReadOnlyDictionary<Digest, long> Blobs, IReadOnlyDictionary<Digest, long> LeftOut)
{
    /// <summary>The largest lock that is read, in bytes.</summary>
    public const int LargestSize = 64 << 20;

    private const int Version = 1;

    /// <summary>True when this bundle, or those it builds on, have a blob.</summary>
    public bool Has(Digest blob) => Blobs.ContainsKey(blob) || LeftOut.ContainsKey(blob);

    /// <summary>The lock as JSON: the same for the same content.</summary>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer,
            new JsonWriterOptions { Indented = true, NewLine = "\n",
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("version", Version);
            writer.WriteStartArray("content");
            foreach (var entry in Content)
                Write(writer, entry);
            writer.WriteEndArray();
            WriteBlobs(writer, "blobs", Blobs);
            WriteBlobs(writer, "leftOut", LeftOut);
            writer.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    /// <summary>Reads a lock.</summary>
    /// <exception cref="ContentException">It is not a lock of this version.</exception>
    public static BundleLock Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("version", out var version)
                || version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out var number) || number != Version)
                throw new ContentException($"it is not a lock of version {Version}");
            return new BundleLock([.. List(root, "content").Select(Entry)], Digests(root, "blobs"), Digests(root, "leftOut"));
        }
        catch (Exception exception) when (exception is JsonException or ContentException or InvalidOperationException)
        {
            // Half a surrogate pair is an invalid operation.
            throw new ContentException("The lock can't be used: "
                + $"{(exception is ContentException ? exception.Message.TrimEnd('.') : "it is not valid JSON")}.", exception);
        }
    }

    /// <summary>The lock of a bundle, verified by digest.</summary>
    /// <exception cref="ContentException">The layout is not a bundle, or its lock is damaged.</exception>
    public static async Task<BundleLock> ReadAsync(OciLayout bundle, CancellationToken cancellationToken)
    {
        if (bundle.Lock is not { } entry || await bundle.ReadManifestAsync(entry, cancellationToken) is not { } manifest)
            throw new ContentException($"{bundle.Location} is not a bundle: it has no lock.");
        if (Manifest.Parse(manifest, entry).Layers is not [{ Size: <= LargestSize } blob])
            throw new ContentException($"The lock of {bundle.Location} has not one part of at most {LargestSize >> 20} MiB.");
        await using var reader = new BlobReader(bundle, blob, RetryPolicy.Default, TimeProvider.System);
        var bytes = new byte[blob.Size];
        await reader.ReadAsync(bytes, cancellationToken);
        return Parse(bytes);
    }

    private static void Write(Utf8JsonWriter writer, ContentSummary entry)
    {
        writer.WriteStartObject();
        writer.WriteString("name", entry.Name);
        writer.WriteString("digest", entry.Digest.ToString());
        if (entry.Upstream is { } upstream)
            writer.WriteString("upstreamDigest", upstream.ToString());
        writer.WriteString("kind", entry.Kind.ToString());
        writer.WriteNumber("size", entry.Size);
        WriteTexts(writer, "platforms", entry.Platforms);
        WriteTexts(writer, "why", entry.Why);
        writer.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter writer, string name, IReadOnlyList<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts)
            writer.WriteStringValue(text);
        writer.WriteEndArray();
    }

    private static void WriteBlobs(Utf8JsonWriter writer, string name, IReadOnlyDictionary<Digest, long> blobs)
    {
        writer.WriteStartArray(name);
        foreach (var (digest, size) in blobs.OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal))
        {
            writer.WriteStartObject();
            writer.WriteString("digest", digest.ToString());
            writer.WriteNumber("size", size);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static ContentSummary Entry(JsonElement element)
    {
        var kind = Enum.TryParse<ContentKind>(DescriptorJson.Text(element, "kind"), out var known) ? known : ContentKind.Artifact;
        return new ContentSummary(DescriptorJson.Text(element, "name"), Digest.Parse(DescriptorJson.Text(element, "digest") ?? ""), kind,
            Texts(element, "platforms"), Size(element))
        {
            Why = Texts(element, "why"),
            Upstream = DescriptorJson.Text(element, "upstreamDigest") is { } upstream ? Digest.Parse(upstream) : null,
        };
    }

    private static Dictionary<Digest, long> Digests(JsonElement root, string name)
    {
        var blobs = new Dictionary<Digest, long>();
        foreach (var element in List(root, name))
        {
            if (!blobs.TryAdd(Digest.Parse(DescriptorJson.Text(element, "digest") ?? ""), Size(element)))
                throw new ContentException($"'{name}' lists a digest twice");
        }

        return blobs;
    }

    private static string[] Texts(JsonElement element, string name) =>
        element.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray()
                .Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()!
                : throw new ContentException($"'{name}' is not a list of strings"))] : [];

    private static long Size(JsonElement element) =>
        element.TryGetProperty("size", out var size) && size.ValueKind == JsonValueKind.Number && size.TryGetInt64(out var bytes)
            && bytes >= 0 ? bytes : throw new ContentException("an entry has no valid size");

    private static IEnumerable<JsonElement> List(JsonElement root, string name) =>
        root.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray()
                .Select(item => item.ValueKind == JsonValueKind.Object ? item
                : throw new ContentException($"'{name}' has an entry that is not an object"))
                : throw new ContentException($"'{name}' is not a list");
}
