using CapiRegistryHook.Content.Archives;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;
using Microsoft.Win32.SafeHandles;

namespace CapiRegistryHook.Content.Bundles;

/// <summary>
/// Writes a bundle: an uncompressed tar of an OCI layout. All sizes are known beforehand, so each file has its place in the tar before
/// the first is read; blobs are written there in any order, by several workers, and the same content gives the same bytes.
/// </summary>
public static class BundleWriter
{
    private const int BufferSize = 256 << 10;
    private const int TrailerSize = 2 * TarHeader.BlockSize;

    /// <summary>Makes a bundle. The file has its name only when it is complete; one that was there before is replaced.</summary>
    /// <param name="path">The file.</param>
    /// <param name="items">What goes in.</param>
    /// <param name="options">How it is made.</param>
    /// <param name="cancellationToken">Ends the making; nothing stays behind.</param>
    /// <exception cref="ContentException">Something is missing, corrupt or contradictory.</exception>
    public static async Task<BundleReport> CreateAsync(
        string path, IReadOnlyList<BundleItem> items, BundleOptions options, CancellationToken cancellationToken)
    {
        var plan = await BundlePlan.MakeAsync(items, options, cancellationToken);
        var places = Places(plan, out var size);
        var partial = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, $".{Path.GetFileName(path)}.{Path.GetRandomFileName()}");
        try
        {
            using (var file = File.OpenHandle(partial, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous))
            {
                RandomAccess.SetLength(file, size);
                await new BundleFile(file, plan, options).WriteAsync(places, cancellationToken);
                RandomAccess.FlushToDisk(file);
            }

            File.Move(partial, path, overwrite: true);
            return new BundleReport(plan.Lock, size, plan.Notices);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ContentException($"{path} can't be written: {exception.Message}", exception);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    // The index first, so that a reader of the stream knows early what comes.
    private static Dictionary<string, (byte[] Header, long Offset)> Places(BundlePlan plan, out long size)
    {
        var sizes = plan.Small
            .Select(pair => (Path: pair.Key, Size: (long)pair.Value.Length)).Concat(plan.Large
            .Select(pair => (Path: pair.Key, pair.Value.Blob.Size)))
            .OrderBy(pair => pair.Path switch { OciLayout.MarkerName => 0, OciLayout.IndexName => 1, _ => 2 }).ThenBy(pair => pair.Path,
                StringComparer.Ordinal);
        var places = new Dictionary<string, (byte[] Header, long Offset)>(StringComparer.Ordinal);
        long offset = 0;
        foreach (var (path, length) in sizes)
        {
            var header = TarHeader.For(path, length);
            places.Add(path, (header, offset));
            offset = checked(offset + header.Length + TarHeader.Padded(length));
        }

        size = offset + TrailerSize;
        return places;
    }

    /// <summary>The file while it is written.</summary>
    private sealed class BundleFile(SafeFileHandle file, BundlePlan plan, BundleOptions options)
    {
        private readonly TransferMeter _meter = new(options.Progress);

        public async Task WriteAsync(Dictionary<string, (byte[] Header, long Offset)> places, CancellationToken cancellationToken)
        {
            _meter.Plan(plan.Large.Count, plan.Large.Values.Sum(pair => pair.Blob.Size));
            foreach (var (path, (header, offset)) in places)
            {
                await RandomAccess.WriteAsync(file, header, offset, cancellationToken);
                if (plan.Small.TryGetValue(path, out var content))
                    await RandomAccess.WriteAsync(file, content, offset + header.Length, cancellationToken);
            }

            var parallel = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, options.Workers),
                CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(plan.Large, parallel, async (blob, token) =>
            {
                var (header, offset) = places[blob.Key];
                await CopyAsync(blob.Value.Source, blob.Value.Blob, offset + header.Length, token);
            });
        }

        private async Task CopyAsync(IContentSource source, Manifests.Descriptor blob, long offset, CancellationToken cancellationToken)
        {
            await using var reader = new BlobReader(source, blob, options.Retry, options.Time);
            var buffer = new byte[Math.Clamp(blob.Size, 1, BufferSize)];
            for (int read; (read = await reader.ReadAsync(buffer, cancellationToken)) > 0; offset += read)
            {
                await RandomAccess.WriteAsync(file, buffer.AsMemory(0, read), offset, cancellationToken);
                _meter.Sent(read);
            }

            _meter.Done();
        }
    }
}
