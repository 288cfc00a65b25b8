using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness;

/// <summary>Writes OCI layouts without the product's help: images of random layers, under full names.</summary>
internal sealed class LayoutImages
{
    private readonly string _folder;
    private readonly Random _random;
    private readonly JsonArray _entries = [];

    public LayoutImages(string folder, int seed)
    {
        _folder = folder;
        _random = new Random(seed);
        Directory.CreateDirectory(Path.Combine(folder, "blobs", "sha256"));
        File.WriteAllText(Path.Combine(folder, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
    }

    public string Folder => _folder;

    /// <summary>When images that are added from now on say that they were built; null to say nothing.</summary>
    public DateTimeOffset? Built { get; set; }

    /// <summary>Adds an image of the given layers and returns its digest.</summary>
    public string Add(string name, params byte[][] layers) =>
        Add(name, [.. layers.Select(layer => Blob("application/vnd.oci.image.layer.v1.tar", layer))]);

    /// <summary>Adds an image of one layer of zeros, which takes no space on the disk.</summary>
    /// <param name="name">The image's name.</param>
    /// <param name="size">The size of the layer in bytes.</param>
    /// <param name="digest">SHA-256 of that many zeros, in hexadecimal digits.</param>
    public string AddZeros(string name, long size, string digest)
    {
        using (var file = File.Create(Path.Combine(_folder, "blobs", "sha256", digest)))
            file.SetLength(size);
        return Add(name, [Named("application/vnd.oci.image.layer.v1.tar", digest, size)]);
    }

    public byte[] Random(int length)
    {
        var bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }

    private string Add(string name, JsonObject[] blobs)
    {
        var description = new JsonObject
        {
            ["architecture"] = "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Labels"] = new JsonObject { ["name"] = name } },
            ["rootfs"] = new JsonObject
            {
                ["type"] = "layers", ["diff_ids"] = new JsonArray([.. blobs.Select(blob => (JsonNode)(string)blob["digest"]!)]),
            },
        };
        if (Built is { } built)
            description["created"] = built.UtcDateTime.ToString("O", System.Globalization.CultureInfo.InvariantCulture);
        var config = Blob("application/vnd.oci.image.config.v1+json", Bytes(description));
        var manifest = Blob("application/vnd.oci.image.manifest.v1+json", Bytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
            ["config"] = config,
            ["layers"] = new JsonArray([.. blobs]),
        }));
        var entry = (JsonObject)manifest.DeepClone();
        entry["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = name };
        _entries.Add(entry);
        File.WriteAllBytes(Path.Combine(_folder, "index.json"),
            Bytes(new JsonObject { ["schemaVersion"] = 2, ["manifests"] = _entries.DeepClone() }));
        return (string)manifest["digest"]!;
    }

    private JsonObject Blob(string mediaType, byte[] bytes)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(bytes));
        File.WriteAllBytes(Path.Combine(_folder, "blobs", "sha256", digest), bytes);
        return Named(mediaType, digest, bytes.Length);
    }

    private static JsonObject Named(string mediaType, string digest, long size) =>
        new() { ["mediaType"] = mediaType, ["digest"] = "sha256:" + digest, ["size"] = size };

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());
}
