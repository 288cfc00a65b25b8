using System.Security.Cryptography;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Reads files under a limit, and writes files that only their owner can read.</summary>
internal static class PrivateFile
{
    /// <summary>
    /// Writes the file whole or not at all: under another name in the same folder first, then under its own.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="content">What is in it then.</param>
    /// <param name="overwrite">Whether it may replace a file.</param>
    /// <exception cref="IOException">It exists, or can't be written.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, bool overwrite)
    {
        var temporary = $"{path}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}.tmp";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var file = new FileStream(temporary, options))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>The content in a pinned array; null when the file can't be read or is larger than the limit.</summary>
    public static byte[]? TryRead(string path, int mostBytes)
    {
        var buffer = GC.AllocateArray<byte>(mostBytes + 1, pinned: true);
        try
        {
            using var file = File.OpenRead(path);
            var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (length > mostBytes)
                return null;
            var content = GC.AllocateUninitializedArray<byte>(length, pinned: true);
            buffer.AsSpan(0, length).CopyTo(content);
            return content;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }
}
