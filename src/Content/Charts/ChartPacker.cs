using System.Formats.Tar;
using System.IO.Compression;
using System.IO.Enumeration;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Yaml;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Content.Charts;

/// <summary>Packs a chart's folder: the same files give the same bytes. What <c>.helmignore</c> names stays out.</summary>
internal static class ChartPacker
{
    private const long LargestFolder = 64 << 20;
    private const int MostFiles = 10_000;
    private const int LargestChartYaml = 1 << 20;

    public static byte[] Pack(string folder)
    {
        var name = NameOf(folder);
        var files = Files(folder);
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        using (var tar = new TarWriter(gzip, TarEntryFormat.Gnu))
        {
            foreach (var file in files)
                Add(tar, Path.Combine(folder, file), $"{name}/{file}");
        }

        return packed.ToArray();
    }

    private static void Add(TarWriter tar, string path, string name)
    {
        using var content = File.OpenRead(path);
        tar.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, name)
        {
            DataStream = content,
            ModificationTime = DateTimeOffset.UnixEpoch,
            Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
        });
    }

    private static string NameOf(string folder)
    {
        var path = Path.Combine(folder, "Chart.yaml");
        if (!File.Exists(path) || new FileInfo(path).Length > LargestChartYaml)
            throw new ContentException($"{folder} is not a chart: it has no Chart.yaml of at most {LargestChartYaml >> 20} MiB.");
        var name = YamlText.Load(File.ReadAllText(path), path) is [YamlMappingNode root] ? root.Text("name") ?? "" : "";
        return ReferenceGrammar.IsRepository(name) && !name.Contains('/', StringComparison.Ordinal) ? name
            : throw new ContentException($"{path} has no valid name.");
    }

    private static List<string> Files(string folder)
    {
        var ignored = IgnoredBy(Path.Combine(folder, ".helmignore"));
        var files = new List<string>();
        long size = 0;
        // Links are not followed: a chart has no business outside its folder.
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*",
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }))
        {
            var path = Path.GetRelativePath(folder, file.FullName).Replace('\\', '/');
            if (IsIgnored(path, ignored))
                continue;
            files.Add(path);
            size += file.Length;
            if (files.Count > MostFiles || size > LargestFolder)
                throw new ContentException(
                    $"{folder} has more than {MostFiles} files or {LargestFolder >> 20} MiB, more than a chart may have.");
        }

        files.Sort(StringComparer.Ordinal);
        return files;
    }

    private static List<string> IgnoredBy(string path) =>
        File.Exists(path)
            ? [.. File.ReadLines(path).Take(1000).Select(line => line.Trim()).Where(line => line.Length > 0 && !line.StartsWith('#'))] : [];

    // The last pattern that matches decides, and what stands behind "!" is kept.
    private static bool IsIgnored(string path, List<string> patterns)
    {
        var parts = path.Split('/');
        var prefixes = parts.Select((_, place) => string.Join('/', parts.Take(place + 1))).ToList();
        var isIgnored = false;
        foreach (var line in patterns)
        {
            var pattern = line.TrimStart('!').TrimEnd('/');
            var isRooted = pattern.Contains('/', StringComparison.Ordinal);
            if ((isRooted ? prefixes
                : [.. parts]).Exists(part => FileSystemName.MatchesSimpleExpression(pattern.TrimStart('/'), part, ignoreCase: false)))
                isIgnored = !line.StartsWith('!');
        }

        return isIgnored;
    }
}
