using CapiRegistryHook.Content.Archives;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Layouts;

/// <summary>Opens what lies on disk by what it is, not by what it is called.</summary>
public static class ContentArchive
{
    /// <summary>Opens an OCI layout (folder, archive or bundle) or a docker archive. The caller disposes it.</summary>
    /// <param name="path">A folder or a tar file.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ContentException">It is none of these, or damaged.</exception>
    public static async Task<INamedSource> OpenAsync(string path, CancellationToken cancellationToken)
    {
        IFileSet files = Directory.Exists(path) ? new FolderFiles(path) : OpenTar(path);
        try
        {
            // Docker since 25 writes a layout and the old list side by side; the layout keeps the digests.
            if (files.LengthOf(OciLayout.MarkerName) is not null)
                return OciLayout.Open(files);
            if (files.LengthOf(DockerArchive.ManifestName) is not null)
                return await DockerArchive.OpenAsync(files, cancellationToken);
            throw new ContentException($"{path} is neither an OCI layout nor a docker archive: it has no oci-layout and no manifest.json.");
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>True for a file that starts as gzip does: a chart, or an archive that has to be unpacked first.</summary>
    public static bool IsCompressed(string path)
    {
        using var file = OpenFile(path);
        Span<byte> start = stackalloc byte[2];
        return file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start is [0x1F, 0x8B];
    }

    private static TarFiles OpenTar(string path)
    {
        if (IsCompressed(path))
            throw new ContentException($"{path} is compressed: unpack it with gunzip first.");
        return new TarFiles(path);
    }

    private static FileStream OpenFile(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ContentException($"{path} can't be opened: {exception.Message}", exception);
        }
    }
}
