using System.Formats.Tar;

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

    private static UstarTarEntry ToEntry(string chartName, ChartFile file) => new(TarEntryType.RegularFile, $"{chartName}/{file.Path}")
    {
        DataStream = new MemoryStream(file.Content, writable: false),
        ModificationTime = DateTimeOffset.UnixEpoch,
        Mode = FileMode,
    };
}
