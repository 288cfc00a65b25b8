using System.Formats.Tar;
using System.IO.Compression;

namespace CapiRegistryHook.Registry.Chart;

/// <summary>
/// Packs a chart the way <c>helm package</c> does, with nothing in it but names and content: no clock, no owner, one order.
/// The same files give the same bytes on every machine.
/// </summary>
internal static class ChartArchive
{
    private const UnixFileMode FileMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>The <c>.tgz</c> whose top folder is <paramref name="chartName"/>.</summary>
    public static byte[] Pack(string chartName, IEnumerable<ChartFile> files)
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var file in files.OrderBy(file => file.Path, StringComparer.Ordinal))
                writer.WriteEntry(ToEntry(chartName, file));
        }

        return StoredGzip.Write(tar.GetBuffer().AsSpan(0, (int)tar.Length));
    }

    /// <summary>The files of a chart that was packed earlier, without its top folder.</summary>
    public static List<ChartFile> Unpack(byte[] archive)
    {
        using var unzipped = new GZipStream(new MemoryStream(archive, writable: false), CompressionMode.Decompress);
        using var reader = new TarReader(unzipped);
        var files = new List<ChartFile>();
        while (reader.GetNextEntry(copyData: true) is { } entry)
        {
            if (entry.DataStream is { } content)
                files.Add(new ChartFile(entry.Name[(entry.Name.IndexOf('/', StringComparison.Ordinal) + 1)..], ChartFile.Read(content)));
        }

        return files;
    }

    private static UstarTarEntry ToEntry(string chartName, ChartFile file) => new(TarEntryType.RegularFile, $"{chartName}/{file.Path}")
    {
        DataStream = new MemoryStream(file.Content, writable: false),
        ModificationTime = DateTimeOffset.UnixEpoch,
        Mode = FileMode,
    };
}
