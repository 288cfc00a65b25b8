using System.Text.Json;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Manifests;

/// <summary>
/// Reads manifests strictly where two readers could see two things in the same bytes: no duplicate keys, not an index and a manifest
/// at once, not another type than it was announced with.
/// </summary>
internal static class ManifestReader
{
    private const int Deepest = 32;
    private const int MostEntries = 10_000;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = Deepest, AllowDuplicateProperties = false };

    public static Manifest Read(ReadOnlyMemory<byte> bytes, string? mediaType, Descriptor? expected)
    {
        var digest = expected?.Digest ?? Digest.Compute(bytes.Span);
        if (bytes.Length > Manifest.LargestSize)
            throw new ContentException(
                $"The manifest {digest} has {bytes.Length} bytes, more than the {Manifest.LargestSize} that registries accept.");
        if (expected is not null && (expected.Size != bytes.Length || !digest.Matches(bytes.Span)))
            throw new ContentException($"The manifest {digest} does not have the {expected.Size} bytes that its digest is of.");
        try
        {
            using var document = JsonDocument.Parse(bytes, Strict);
            return Read(document.RootElement, bytes, new Claim(mediaType, digest));
        }
        catch (Exception exception) when (exception is ContentException or JsonException)
        {
            var reason = exception is JsonException ? "it is not valid JSON" : exception.Message;
            throw new ContentException($"The manifest {digest} can't be used: {reason.TrimEnd('.')}.", exception);
        }
    }

    private static Manifest Read(JsonElement root, ReadOnlyMemory<byte> bytes, Claim claim)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new ContentException("it is not an object");
        var type = TypeOf(root, claim.MediaType);
        var isIndex = MediaTypes.IsIndex(type);
        var foreign = isIndex ? new[] { "config", "layers", "fsLayers" } : ["manifests", "fsLayers"];
        if (foreign.FirstOrDefault(name => root.TryGetProperty(name, out _)) is { } name)
            throw new ContentException($"it is {(isIndex ? "an index" : "a manifest")} and has '{name}'");
        return new Manifest(bytes, new Descriptor(type, claim.Digest, bytes.Length))
        {
            Config = isIndex ? null : DescriptorJson.Read(Property(root, "config")),
            Layers = isIndex ? [] : Descriptors(root, "layers"),
            Children = isIndex ? Manifests(root) : [],
            Subject = root.TryGetProperty("subject", out var subject) && subject.ValueKind != JsonValueKind.Null
                ? DescriptorJson.Read(subject) : null,
            ArtifactType = DescriptorJson.Text(root, "artifactType"),
            Annotations = DescriptorJson.Annotations(root),
        };
    }

    private static string TypeOf(JsonElement root, string? announced)
    {
        var written = DescriptorJson.Text(root, "mediaType");
        if (IsSchema1(root, written) || IsSchema1(root, announced))
            throw new ContentException(
                "it is of Docker's schema 1, which registries no longer accept; push the image again with a current client");
        if (written is not null && announced is not null && MediaTypes.IsManifest(announced) && written != announced)
            throw new ContentException($"it is announced as {announced} and says it is {written}");
        var type = written
            ?? (announced is not null && MediaTypes.IsManifest(announced) ? announced : root.TryGetProperty("manifests", out _)
            ? MediaTypes.OciIndex : MediaTypes.OciManifest);
        return MediaTypes.IsManifest(type) ? type : throw new ContentException($"{Digest.Shorten(type)} is not the type of a manifest");
    }

    private static bool IsSchema1(JsonElement root, string? type) =>
        type?.StartsWith(MediaTypes.DockerSchema1, StringComparison.Ordinal) == true
        || (root.TryGetProperty("schemaVersion", out var version) && version.ValueKind == JsonValueKind.Number
            && version.TryGetInt32(out var number) && number == 1);

    private static List<Descriptor> Manifests(JsonElement root)
    {
        var children = Descriptors(root, "manifests");
        if (children.FirstOrDefault(child => child.MediaType.StartsWith(MediaTypes.DockerSchema1, StringComparison.Ordinal)) is { } old)
            throw new ContentException($"its manifest {old.Digest} is of Docker's schema 1");
        return children;
    }

    private static List<Descriptor> Descriptors(JsonElement root, string name)
    {
        var list = Property(root, name);
        if (list.ValueKind == JsonValueKind.Null)
            return [];
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > MostEntries)
            throw new ContentException($"'{name}' is not a list of at most {MostEntries} entries");
        return [.. list.EnumerateArray().Select(DescriptorJson.Read)];
    }

    private static JsonElement Property(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) ? value : throw new ContentException($"'{name}' is missing");

    private readonly record struct Claim(string? MediaType, Digest Digest);
}
