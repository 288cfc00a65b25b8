using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Packaging;

/// <summary>The released image as files: the layout that <c>make image</c> wrote, and a root file system of its layers.</summary>
public sealed class BuiltImage : IAsyncLifetime
{
    private readonly ScratchFolder _scratch = ScratchFolder.Create("capi-registry-hook-image-");

    public static string Artifacts { get; } = Path.Combine(RepositoryRoot.Find(), "artifacts", "image");

    public static string Program { get; } = Path.Combine(RepositoryRoot.Find(), "artifacts", "publish", "capi-registry-hook");

    /// <summary>The layers, one over the other.</summary>
    public string Root => _scratch["root"];

    /// <summary>All entries of all layers.</summary>
    internal IReadOnlyList<(string Name, TarEntryType Type, UnixFileMode Mode, int User, DateTimeOffset Time)> Entries
    {
        get; private set;
    } = [];

    public JsonNode Manifest { get; private set; } = null!;

    public JsonNode Configuration { get; private set; } = null!;

    public string Digest { get; private set; } = "";

    public static JsonNode Blob(JsonNode descriptor) => JsonNode.Parse(File.ReadAllBytes(BlobPath(descriptor)))!;

    public static string BlobPath(JsonNode descriptor) =>
        Path.Combine(Artifacts, "layout", "blobs", ((string)descriptor["digest"]!).Replace(':', '/'));

    public async ValueTask InitializeAsync()
    {
        await LocalImages.ArchiveAsync(TestImage.Hook, TestContext.Current.CancellationToken);
        var entry = Index()["manifests"]![0]!;
        Digest = (string)entry["digest"]!;
        Manifest = Blob(entry);
        Configuration = Blob(Manifest["config"]!);
        Directory.CreateDirectory(Root);
        Entries = [.. Manifest["layers"]!.AsArray().SelectMany(layer => Unpack(BlobPath(layer!)))];
    }

    public static JsonNode Index() => JsonNode.Parse(File.ReadAllBytes(Path.Combine(Artifacts, "layout", "index.json")))!;

    public ValueTask DisposeAsync() => _scratch.DisposeAsync();

    private List<(string Name, TarEntryType Type, UnixFileMode Mode, int User, DateTimeOffset Time)> Unpack(string layer)
    {
        var entries = new List<(string, TarEntryType, UnixFileMode, int, DateTimeOffset)>();
        using var tar = new TarReader(new GZipStream(File.OpenRead(layer), CompressionMode.Decompress));
        while (tar.GetNextEntry() is { } entry)
        {
            entries.Add((entry.Name, entry.EntryType, entry.Mode, entry.Uid, entry.ModificationTime));
            entry.ExtractToFile(Path.Combine(Root, entry.Name), entry.EntryType);
        }

        return entries;
    }
}

internal static class TarEntryExtraction
{
    public static void ExtractToFile(this TarEntry entry, string path, TarEntryType type)
    {
        if (type == TarEntryType.Directory)
            Directory.CreateDirectory(path);
        else if (type == TarEntryType.SymbolicLink)
            File.CreateSymbolicLink(path, entry.LinkName);
        else
            entry.ExtractToFile(path, overwrite: false);
    }
}
