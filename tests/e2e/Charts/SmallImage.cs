using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>An image with one file, as a docker archive: different content, different digests.</summary>
internal static class SmallImage
{
    /// <summary>Writes the archive and returns its path.</summary>
    public static string Write(string folder, string content)
    {
        var layer = Archive(("content", Encoding.UTF8.GetBytes(content)));
        var config = Encoding.UTF8.GetBytes(
            $$$"""{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:{{{Hash(layer)}}}"]}}""");
        var manifest = Encoding.UTF8.GetBytes($$"""[{"Config":"{{Hash(config)}}.json","Layers":["layer.tar"]}]""");
        var path = Path.Combine(folder, $"{content}.tar");
        File.WriteAllBytes(path, Archive(($"{Hash(config)}.json", config), ("layer.tar", layer), ("manifest.json", manifest)));
        return path;
    }

    private static byte[] Archive(params (string Name, byte[] Content)[] files)
    {
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, leaveOpen: true))
        {
            foreach (var (name, content) in files)
                writer.WriteEntry(new UstarTarEntry(
                    TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content),
                    ModificationTime = DateTimeOffset.UnixEpoch });
        }

        return archive.ToArray();
    }

    private static string Hash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));
}
