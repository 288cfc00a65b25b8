using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Packaging.Images;

/// <summary>An OCI image layout while it is made: blobs by digest, and what its index names.</summary>
internal sealed class ImageLayout
{
    public const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    public const string EmptyType = "application/vnd.oci.empty.v1+json";

    private readonly SortedDictionary<string, byte[]> _blobs = new(StringComparer.Ordinal);
    private readonly List<JsonObject> _entries = [];

    /// <summary>Adds a blob and returns its descriptor.</summary>
    public JsonObject Add(string mediaType, byte[] content)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(content));
        _blobs["blobs/sha256/" + digest] = content;
        return new JsonObject { ["mediaType"] = mediaType, ["digest"] = "sha256:" + digest, ["size"] = content.Length };
    }

    /// <summary>Adds a layer, compressed. The second value is the digest of its tar, by which the image's configuration names it.</summary>
    public (JsonObject Descriptor, string DiffId) AddLayer(FileTree tree)
    {
        var tar = tree.ToTar();
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(tar);
        return (Add("application/vnd.oci.image.layer.v1.tar+gzip", compressed.ToArray()),
            "sha256:" + Convert.ToHexStringLower(SHA256.HashData(tar)));
    }

    /// <summary>Adds a manifest that the index names, with further fields of its entry there.</summary>
    public JsonObject AddManifest(JsonObject manifest, params (string Key, JsonNode? Value)[] fields)
    {
        var descriptor = Add(ManifestType, StableJson.ToBytes(manifest));
        var entry = (JsonObject)descriptor.DeepClone();
        foreach (var (key, value) in fields)
            entry[key] = value;
        _entries.Add(entry);
        return descriptor;
    }

    /// <summary>The layout as files by path.</summary>
    public IEnumerable<(string Path, byte[] Content)> Files()
    {
        yield return ("oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray());
        yield return ("index.json", StableJson.ToBytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.index.v1+json",
            ["manifests"] = new JsonArray([.. _entries.Select(entry => entry.DeepClone())]),
        }));
        foreach (var (path, content) in _blobs)
            yield return (path, content);
    }

    /// <summary>Writes the layout as a folder.</summary>
    public void WriteFolder(string folder)
    {
        foreach (var (path, content) in Files())
        {
            var file = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, content);
        }
    }

    /// <summary>Writes the layout as a tar, with further files.</summary>
    public void WriteTar(string path, params (string Path, byte[] Content)[] further)
    {
        using var file = File.Create(path);
        using var writer = new TarWriter(file, TarEntryFormat.Ustar);
        foreach (var (name, content) in Files().Concat(further))
        {
            writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name)
            {
                DataStream = new MemoryStream(content, writable: false),
                ModificationTime = DateTimeOffset.UnixEpoch,
                Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
            });
        }
    }
}
