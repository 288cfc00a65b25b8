using CapiRegistryHook.Content.References;
using Microsoft.Win32.SafeHandles;

namespace CapiRegistryHook.Content.Archives;

/// <summary>Files below one place, by relative path: a folder or a tar.</summary>
internal interface IFileSet : IDisposable
{
    /// <summary>What the place is called in messages.</summary>
    string Location { get; }

    /// <summary>The size of a file in bytes; null when it is not there.</summary>
    long? LengthOf(string path);

    /// <summary>A file from an offset on; null when it is not there.</summary>
    Stream? Open(string path, long offset = 0);
}

internal static class FileSets
{
    /// <summary>A whole file; null when it is not there.</summary>
    /// <exception cref="ContentException">It is larger than allowed.</exception>
    public static ReadOnlyMemory<byte>? ReadAll(this IFileSet files, string path, int largest)
    {
        if (files.LengthOf(path) is not { } length || files.Open(path) is not { } stream)
            return null;
        using (stream)
        {
            if (length > largest)
                throw new ContentException($"{path} in {files.Location} has {length} bytes; at most {largest} can be used.");
            var bytes = new byte[length];
            return bytes.AsMemory(0, stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        }
    }
}

/// <summary>The files of a folder.</summary>
internal sealed class FolderFiles(string folder) : IFileSet
{
    public string Location => folder;

    public long? LengthOf(string path)
    {
        // Some paths are read in the archives' own lists.
        if (path.Length == 0 || path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal) || path.Split('/').Contains(".."))
            return null;
        var file = new FileInfo(Path.Combine(folder, path));
        return file is { Exists: true, LinkTarget: null } && !HasLink(Path.GetDirectoryName(path)) ? file.Length : null;
    }

    private bool HasLink(string? path) => !string.IsNullOrEmpty(path)
        && (new DirectoryInfo(Path.Combine(folder, path)).LinkTarget is not null || HasLink(Path.GetDirectoryName(path)));

    public Stream? Open(string path, long offset = 0)
    {
        if (LengthOf(path) is not { } length || offset > length)
            return null;
        var stream = new FileStream(Path.Combine(folder, path), FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0,
            useAsync: true);
        stream.Position = offset;
        return stream;
    }

    public void Dispose()
    {
    }
}

/// <summary>The files of an uncompressed tar, read where they are.</summary>
internal sealed class TarFiles : IFileSet
{
    private readonly SafeFileHandle _file;
    private readonly TarIndex _index;

    /// <exception cref="ContentException">It is not a tar that can be used.</exception>
    public TarFiles(string path)
    {
        Location = path;
        _file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.Asynchronous);
        try
        {
            _index = TarIndex.Read((buffer, offset) => RandomAccess.Read(_file, buffer, offset), RandomAccess.GetLength(_file), path);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public string Location { get; }

    public long? LengthOf(string path) => _index.Find(path)?.Length;

    public Stream? Open(string path, long offset = 0) =>
        _index.Find(path) is { } file && offset <= file.Length ? new FileSlice(_file, file.Offset + offset, file.Length - offset) : null;

    public void Dispose() => _file.Dispose();
}
