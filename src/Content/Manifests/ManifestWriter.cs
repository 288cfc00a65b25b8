using System.Buffers;
using System.Text.Json;

namespace CapiRegistryHook.Content.Manifests;

/// <summary>Writes manifests of our own. Same input, same bytes.</summary>
internal static class ManifestWriter
{
    public static readonly ReadOnlyMemory<byte> EmptyConfig = "{}"u8.ToArray();

    public static Manifest Image(
        Descriptor config, IReadOnlyList<Descriptor> layers, string? artifactType = null, IReadOnlyDictionary<string,
        string>? annotations = null) =>
        Write(MediaTypes.OciManifest, artifactType, writer =>
        {
            writer.WritePropertyName("config");
            DescriptorJson.Write(writer, config);
            WriteList(writer, "layers", layers);
            DescriptorJson.WriteAnnotations(writer, annotations ?? Descriptor.NoAnnotations);
        });

    /// <summary>An index of the given type; what descriptors hold beyond our fields is not kept.</summary>
    public static Manifest Index(
        IReadOnlyList<Descriptor> children, string mediaType = MediaTypes.OciIndex, IReadOnlyDictionary<string,
        string>? annotations = null) =>
        Write(mediaType, artifactType: null, writer =>
        {
            WriteList(writer, "manifests", children);
            DescriptorJson.WriteAnnotations(writer, annotations ?? Descriptor.NoAnnotations);
        });

    /// <summary>The same index with some of its entries; every entry and every other field is written as it was.</summary>
    public static Manifest Filter(Manifest index, Func<Descriptor, bool> keep)
    {
        using var document = JsonDocument.Parse(index.Bytes);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Name != "manifests")
                    property.WriteTo(writer);
                else
                    WriteKept(writer, [.. property.Value.EnumerateArray().Where((_, place) => keep(index.Children[place]))]);
            }

            writer.WriteEndObject();
        }

        return Manifest.Parse(buffer.WrittenMemory.ToArray(), index.Descriptor.MediaType);
    }

    private static void WriteKept(Utf8JsonWriter writer, IReadOnlyList<JsonElement> entries)
    {
        writer.WriteStartArray("manifests");
        foreach (var entry in entries)
            entry.WriteTo(writer);
        writer.WriteEndArray();
    }

    private static Manifest Write(string mediaType, string? artifactType, Action<Utf8JsonWriter> rest)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("schemaVersion", 2);
            writer.WriteString("mediaType", mediaType);
            if (artifactType is not null)
                writer.WriteString("artifactType", artifactType);
            rest(writer);
            writer.WriteEndObject();
        }

        return Manifest.Parse(buffer.WrittenMemory.ToArray(), mediaType);
    }

    private static void WriteList(Utf8JsonWriter writer, string name, IReadOnlyList<Descriptor> descriptors)
    {
        writer.WriteStartArray(name);
        foreach (var descriptor in descriptors)
            DescriptorJson.Write(writer, descriptor);
        writer.WriteEndArray();
    }
}
