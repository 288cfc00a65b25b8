using System.Text.Json;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Manifests;

/// <summary>Descriptors as manifests write them.</summary>
internal static class DescriptorJson
{
    private const int LongestMediaType = 255;
    private const int MostAnnotations = 1000;

    /// <summary>16 TiB: no blob is larger, and sums of many such sizes are still numbers.</summary>
    private const long LargestSize = 1L << 44;

    public static Descriptor Read(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new ContentException("a descriptor is not an object");
        var digest = Digest.Parse(Text(element, "digest") ?? "");
        if (!element.TryGetProperty("size", out var size) || size.ValueKind != JsonValueKind.Number || !size.TryGetInt64(out var bytes)
            || bytes is < 0 or > LargestSize)
            throw new ContentException($"{digest} has no valid size");
        return new Descriptor(MediaType(element), digest, bytes)
        {
            Platform = PlatformOf(element),
            ArtifactType = Text(element, "artifactType"),
            Annotations = Annotations(element),
        };
    }

    public static void Write(Utf8JsonWriter writer, Descriptor descriptor)
    {
        writer.WriteStartObject();
        writer.WriteString("mediaType", descriptor.MediaType);
        writer.WriteString("digest", descriptor.Digest.ToString());
        writer.WriteNumber("size", descriptor.Size);
        if (descriptor.ArtifactType is { } type)
            writer.WriteString("artifactType", type);
        if (descriptor.Platform is { } platform)
            WritePlatform(writer, platform);
        WriteAnnotations(writer, descriptor.Annotations);
        writer.WriteEndObject();
    }

    public static void WriteAnnotations(Utf8JsonWriter writer, IReadOnlyDictionary<string, string> annotations)
    {
        if (annotations.Count == 0)
            return;
        writer.WriteStartObject("annotations");
        foreach (var (key, value) in annotations.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            writer.WriteString(key, value);
        writer.WriteEndObject();
    }

    public static string? Text(JsonElement element, string name) =>
        !element.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.String ? Words(value, name)
        : throw new ContentException($"{name} is not a string");

    public static IReadOnlyDictionary<string, string> Annotations(JsonElement element)
    {
        if (!element.TryGetProperty("annotations", out var annotations) || annotations.ValueKind == JsonValueKind.Null)
            return Descriptor.NoAnnotations;
        if (annotations.ValueKind != JsonValueKind.Object || annotations.GetPropertyCount() > MostAnnotations)
            throw new ContentException($"annotations are not an object of at most {MostAnnotations} strings");
        return annotations.EnumerateObject().ToDictionary(pair => Name(pair), pair => Text(annotations, pair), StringComparer.Ordinal);
    }

    private static string MediaType(JsonElement element)
    {
        var type = Text(element, "mediaType") ?? throw new ContentException("a descriptor has no mediaType");
        return type.Length is > 0 and <= LongestMediaType && type.All(character => character is > ' ' and < '\x7F')
            ? type : throw new ContentException("a descriptor's mediaType is malformed");
    }

    private static Platform? PlatformOf(JsonElement element)
    {
        if (!element.TryGetProperty("platform", out var platform) || platform.ValueKind != JsonValueKind.Object)
            return null;
        var (os, architecture) = (Text(platform, "os"), Text(platform, "architecture"));
        if (os is null || architecture is null || !Platform.IsWord(os) || !Platform.IsWord(architecture))
            return null;
        return new Platform(os, architecture, Text(platform, "variant") is { } variant && Platform.IsWord(variant) ? variant : null);
    }

    private static void WritePlatform(Utf8JsonWriter writer, Platform platform)
    {
        writer.WriteStartObject("platform");
        writer.WriteString("architecture", platform.Architecture);
        writer.WriteString("os", platform.Os);
        if (platform.Variant is { } variant)
            writer.WriteString("variant", variant);
        writer.WriteEndObject();
    }

    private static string Name(JsonProperty pair)
    {
        try
        {
            return pair.Name;
        }
        catch (InvalidOperationException exception)
        {
            throw new ContentException("annotations have a key that is not text", exception);
        }
    }

    private static string Text(JsonElement annotations, JsonProperty pair) =>
        pair.Value.ValueKind == JsonValueKind.String ? Words(pair.Value, "annotations")
        : throw new ContentException($"{annotations.ValueKind} annotations are not strings");

    private static string Words(JsonElement value, string name)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            // Half a surrogate pair.
            throw new ContentException($"{name} is not text", exception);
        }
    }
}
