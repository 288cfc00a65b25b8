using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Nodes;

/// <summary>An image of one small file. The text in it decides the digest, so a digest tells where an image came from.</summary>
public sealed class TinyImage
{
    private TinyImage(string folder, string digest)
    {
        Folder = folder;
        Digest = digest;
    }

    /// <summary>The image in OCI's folder layout.</summary>
    public string Folder { get; }

    /// <summary>The digest of its manifest.</summary>
    public string Digest { get; }

    /// <summary>Writes an image into a new folder.</summary>
    public static TinyImage Write(string folder, string text)
    {
        Directory.CreateDirectory(Path.Combine(folder, "blobs", "sha256"));
        var layer = Blob(folder, "application/vnd.oci.image.layer.v1.tar", Layer(text));
        var config = Blob(folder, "application/vnd.oci.image.config.v1+json", Bytes(new JsonObject
        {
            ["architecture"] = "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject(),
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray((string)layer["digest"]!) },
        }));
        var manifest = Blob(folder, "application/vnd.oci.image.manifest.v1+json", Bytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
            ["config"] = config,
            ["layers"] = new JsonArray(layer),
        }));
        File.WriteAllText(Path.Combine(folder, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        File.WriteAllBytes(Path.Combine(folder, "index.json"),
            Bytes(new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(manifest.DeepClone()) }));
        return new TinyImage(folder, (string)manifest["digest"]!);
    }

    private static byte[] Layer(string text)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
            tar.WriteEntry(
                new UstarTarEntry(
                    TarEntryType.RegularFile, "origin") { DataStream = content, ModificationTime = DateTimeOffset.UnixEpoch });
        }

        return stream.ToArray();
    }

    private static JsonObject Blob(string folder, string mediaType, byte[] bytes)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(bytes));
        File.WriteAllBytes(Path.Combine(folder, "blobs", "sha256", digest), bytes);
        return new JsonObject { ["mediaType"] = mediaType, ["digest"] = "sha256:" + digest, ["size"] = bytes.Length };
    }

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());
}
