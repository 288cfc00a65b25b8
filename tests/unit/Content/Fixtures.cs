using System.Text;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Unit.Tests.Content;

/// <summary>Content of known bytes in memory.</summary>
internal sealed class MemorySource : IContentSource
{
    public Dictionary<Digest, byte[]> Files { get; } = [];

    public Dictionary<Digest, List<AttachedContent>> Attached { get; } = [];

    /// <summary>Opens, by digest and offset.</summary>
    public List<(Digest Digest, long Offset)> Opened { get; } = [];

    /// <summary>Replaces the stream of a blob.</summary>
    public Func<Digest, long, Stream?>? Streams { get; set; }

    public string Location => "memory";

    public Descriptor AddBlob(string mediaType, byte[] content)
    {
        var digest = Digest.Compute(content);
        Files[digest] = content;
        return new Descriptor(mediaType, digest, content.Length);
    }

    public Descriptor AddImage(string text, string architecture = "amd64", params byte[][] layers)
    {
        var config = AddBlob(
            MediaTypes.OciConfig, Encoding.UTF8.GetBytes($$"""{"os":"linux","architecture":"{{architecture}}","x":"{{text}}"}"""));
        var blobs = (layers.Length == 0 ? [Encoding.UTF8.GetBytes("layer of " + text)] : layers)
            .Select(layer => AddBlob(MediaTypes.OciLayer, layer)).ToList();
        return Add(ManifestWriter.Image(config, blobs)) with { Platform = new Platform("linux", architecture) };
    }

    public Descriptor AddIndex(params Descriptor[] children) => Add(ManifestWriter.Index(children));

    public Descriptor AddReferrer(Descriptor subject, string artifactType)
    {
        var config = AddBlob(MediaTypes.Empty, "{}"u8.ToArray());
        var json =
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","artifactType":"{{artifactType}}","config":{{Json(config)}},"layers":[{{Json(config)}}],"subject":{{Json(subject)}}}""";
        var manifest = Add(Manifest.Parse(Encoding.UTF8.GetBytes(json)));
        Attach(subject, manifest, tag: null);
        return manifest;
    }

    public Descriptor AddCosign(Descriptor subject)
    {
        var signature = AddImage("signature of " + subject.Digest);
        Attach(subject, signature, $"sha256-{subject.Digest.Hex}.sig");
        return signature;
    }

    public Descriptor Add(Manifest manifest)
    {
        Files[manifest.Descriptor.Digest] = manifest.Bytes.ToArray();
        return manifest.Descriptor;
    }

    public static string Json(Descriptor descriptor) =>
        $$"""{"mediaType":"{{descriptor.MediaType}}","digest":"{{descriptor.Digest}}","size":{{descriptor.Size}}}""";

    public Task<ReadOnlyMemory<byte>?> ReadManifestAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        Task.FromResult(Files.TryGetValue(descriptor.Digest, out var bytes) ? bytes : (ReadOnlyMemory<byte>?)null);

    public Task<Stream?> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
    {
        lock (Opened)
            Opened.Add((descriptor.Digest, offset));
        if (Streams?.Invoke(descriptor.Digest, offset) is { } stream)
            return Task.FromResult<Stream?>(stream);
        return Task.FromResult<Stream?>(Files.TryGetValue(descriptor.Digest, out var bytes) ? new MemoryStream(bytes[(int)offset..])
            : null);
    }

    public Task<bool> HasBlobAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        Task.FromResult(Files.ContainsKey(descriptor.Digest));

    public Task<IReadOnlyList<AttachedContent>> AttachedToAsync(Digest subject, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<AttachedContent>>(Attached.TryGetValue(subject, out var attached) ? attached : []);

    private void Attach(Descriptor subject, Descriptor manifest, string? tag)
    {
        if (!Attached.TryGetValue(subject.Digest, out var list))
            Attached[subject.Digest] = list = [];
        list.Add(new AttachedContent(manifest with { Platform = null }, tag));
    }
}

internal static class Fixtures
{
    /// <summary>Tries at once, so that no test waits.</summary>
    public static readonly RetryPolicy Impatient = new(4, TimeSpan.Zero, TimeSpan.Zero);

    public static RegistryClient Client(this MemoryRegistry registry, int chunkSize = 1 << 20, IRegistryLogins? logins = null) =>
        new(registry, new Uri("https://registry.test"), new RegistryOptions { Retry = Impatient, ChunkSize = chunkSize, Logins = logins });

    public static byte[] Bytes(int length, byte seed = 1)
    {
        var bytes = new byte[length];
        for (var place = 0; place < length; place++)
            bytes[place] = (byte)((place * 31 / 7) + seed);
        return bytes;
    }
}
