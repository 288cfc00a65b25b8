using System.Buffers;
using System.Text.Json;
using CapiRegistryHook.Content.References;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Content.Yaml;

/// <summary>Writes a YAML tree as JSON. Scalars are text, but for plain true, false and null: a version 1.10 stays what it is.</summary>
internal static class YamlJson
{
    private const int LargestResult = 8 << 20;

    public static byte[] Write(YamlNode root)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
            Write(writer, root, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, YamlNode node, ArrayBufferWriter<byte> buffer)
    {
        // Aliases in aliases grow without a bound.
        if (buffer.WrittenCount + writer.BytesPending > LargestResult)
            throw new ContentException($"A chart's Chart.yaml has more than {LargestResult >> 20} MiB when its aliases are followed.");
        switch (node)
        {
            case YamlMappingNode mapping:
                writer.WriteStartObject();
                foreach (var (key, value) in mapping.Children)
                {
                    writer.WritePropertyName(((YamlScalarNode)key).Value ?? "");
                    Write(writer, value, buffer);
                }

                writer.WriteEndObject();
                break;
            case YamlSequenceNode sequence:
                writer.WriteStartArray();
                foreach (var item in sequence.Children)
                    Write(writer, item, buffer);
                writer.WriteEndArray();
                break;
            default:
                WriteScalar(writer, (YamlScalarNode)node);
                break;
        }
    }

    private static void WriteScalar(Utf8JsonWriter writer, YamlScalarNode scalar)
    {
        var isPlain = scalar.Style is ScalarStyle.Plain or ScalarStyle.Any;
        if (isPlain && scalar.Value is null or "" or "~" or "null")
            writer.WriteNullValue();
        else if (isPlain && scalar.Value is "true" or "false")
            writer.WriteBooleanValue(scalar.Value == "true");
        else
            writer.WriteStringValue(scalar.Value);
    }
}
