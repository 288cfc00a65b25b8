using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Content.Workloads;

namespace CapiRegistryHook.Delivery.Declared;

/// <summary>
/// Locks as text: the lock of a bundle or of a registry as JSON, of which names and digests count, or a reference a line.
/// </summary>
internal static class LockText
{
    /// <summary>
    /// The largest lock that is read, in bytes: a few times what as many entries take as a lock may have. Sources that drip keep several of
    /// them in memory.
    /// </summary>
    public const int LargestSize = 8 << 20;

    /// <summary>The most entries of a lock.</summary>
    public const int MostEntries = 10_000;

    /// <summary>Reads a lock.</summary>
    /// <param name="text">The text.</param>
    /// <param name="what">What it is called in messages.</param>
    /// <exception cref="ContentException">It can't be used; the message says why.</exception>
    public static IReadOnlyList<Reference> Parse(string text, string what)
    {
        if (text.Length > LargestSize)
            throw new ContentException($"{what} is larger than {LargestSize >> 20} MiB.");
        var isJson = text.AsSpan().TrimStart().StartsWith('{');
        return Checked(isJson ? ReadEntries(text, what).Select(Pin) : ContentList.ParseImageList(text, what), what);
    }

    /// <summary>Entries by name, in order of names. A name stands for one thing.</summary>
    /// <exception cref="ContentException">There are none or too many, or a name comes twice with different digests.</exception>
    public static IReadOnlyList<Reference> Checked(IEnumerable<Reference> entries, string what)
    {
        var byName = new SortedDictionary<string, Reference>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            if (!byName.TryAdd(NameOf(entry), entry) && byName[NameOf(entry)] != entry)
                throw new ContentException($"{what} names {NameOf(entry)} twice, with different digests.");
        }

        return byName.Count is > 0 and <= MostEntries ? [.. byName.Values]
            : throw new ContentException($"{what} has {byName.Count} entries instead of 1 to {MostEntries}.");
    }

    /// <summary>What an entry is called: its tag where it has one, else its digest.</summary>
    public static string NameOf(Reference entry) => (entry.Tag is null ? entry : entry.With(entry.Tag, digest: null)).ToString();

    /// <summary>The lock of a registry: names and digests alone, the same bytes for the same content.</summary>
    public static byte[] Write(IEnumerable<(string Name, Digest Digest)> entries)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(
            buffer, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("version", 1);
            writer.WriteStartArray("content");
            foreach (var (name, digest) in entries)
            {
                writer.WriteStartObject();
                writer.WriteString("name", name);
                writer.WriteString("digest", digest.ToString());
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    /// <summary>The lock in a layer, verified by its digest.</summary>
    public static async Task<string> ReadAsync(IContentSource source, Descriptor layer, CancellationToken cancellationToken)
    {
        await using var reader = new BlobReader(source, layer, RetryPolicy.Default, TimeProvider.System);
        var bytes = new byte[layer.Size];
        await reader.ReadAsync(bytes, cancellationToken);
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Names and digests of a lock as JSON.</summary>
    /// <exception cref="ContentException">It is not one.</exception>
    public static IReadOnlyList<(Reference Name, Digest Digest)> ReadEntries(string text, string what)
    {
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("version", out var version)
                || version.ValueKind != JsonValueKind.Number
                || !version.TryGetInt32(out var number) || number != 1
                || !root.TryGetProperty("content", out var content) || content.ValueKind != JsonValueKind.Array)
                throw new ContentException($"{what} is not a lock of version 1.");
            return content.GetArrayLength() <= MostEntries ? [.. content.EnumerateArray().Select(entry => ReadEntry(entry, what))]
                : throw new ContentException($"{what} has {content.GetArrayLength()} entries instead of 1 to {MostEntries}.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Half a surrogate pair is an invalid operation.
            throw new ContentException($"{what} is not valid JSON.", exception);
        }
    }

    private static (Reference Name, Digest Digest) ReadEntry(JsonElement entry, string what)
    {
        if (Text(entry, "name") is not { } name || Text(entry, "digest") is not { } digest)
            throw new ContentException($"{what} has an entry without name or digest.");
        return (Reference.Parse(name), Digest.Parse(digest));
    }

    private static Reference Pin((Reference Name, Digest Digest) entry) =>
        entry.Name.With(entry.Name.Digest is null ? entry.Name.Tag : null, entry.Digest);

    private static string? Text(JsonElement entry, string name) =>
        entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString() : null;
}
