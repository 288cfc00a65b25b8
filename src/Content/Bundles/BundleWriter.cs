using CapiRegistryHook.Content.Archives;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Manifests;
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

    /// <summary>Whole blobs of less than this are not kept when the making of a bundle ends early.</summary>
    private const long WorthKeeping = 1 << 20;

    /// <summary>What follows the name of a bundle until it is complete.</summary>
    public const string PartialSuffix = ".partial";

    /// <summary>
    /// Makes a bundle. The file has its name only when it is complete; one that was there before is replaced. When the making ends early
    /// and whole blobs are there, the file with <see cref="PartialSuffix"/> stays: the next call fetches only what it does not find there.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="items">What goes in.</param>
    /// <param name="options">How it is made.</param>
    /// <param name="cancellationToken">Ends the making.</param>
    /// <exception cref="ContentException">Something is missing, corrupt or contradictory, or the file can't be written.</exception>
    public static async Task<BundleReport> CreateAsync(
        string path, IReadOnlyList<BundleItem> items, BundleOptions options, CancellationToken cancellationToken)
    {
        var plan = await BundlePlan.MakeAsync(items, options, cancellationToken);
        var places = Places(plan, out var size);
        var partial = path + PartialSuffix;
        try
        {
            await WriteAsync(partial, size, plan, places, options, cancellationToken);
            File.Move(partial, path, overwrite: true);
            return new BundleReport(plan.Lock, size, plan.Notices);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ContentException($"{path} can't be written: {exception.Message}", exception);
        }
    }

    private static async Task WriteAsync(string partial, long size, BundlePlan plan,
        Dictionary<string, (byte[] Header, long Offset)> places, BundleOptions options, CancellationToken cancellationToken)
    {
        if (new FileInfo(partial).LinkTarget is not null)
            throw new IOException($"{partial} is a symbolic link: remove it.");
        // Nobody else opens it meanwhile: two makings of one bundle would write into one file.
        using var file = File.OpenHandle(
            partial, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, FileOptions.Asynchronous);
        var isNew = RandomAccess.GetLength(file) == 0;
        var bundle = new BundleFile(file, plan, options, isNew);
        var isComplete = false;
        try
        {
            RandomAccess.SetLength(file, size);
            await bundle.WriteAsync(places, cancellationToken);
            RandomAccess.FlushToDisk(file);
            isComplete = true;
        }
        finally
        {
            // What earlier calls fetched stays, however early this one ended.
            if (!isComplete && isNew && bundle.Kept < WorthKeeping)
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
    private sealed class BundleFile(SafeFileHandle file, BundlePlan plan, BundleOptions options, bool isNew)
    {
        private readonly TransferMeter _meter = new(options.Progress);
        private long _kept;

        /// <summary>Bytes of the blobs that are whole.</summary>
        public long Kept => Volatile.Read(ref _kept);

        public async Task WriteAsync(Dictionary<string, (byte[] Header, long Offset)> places, CancellationToken cancellationToken)
        {
            _meter.Plan(plan.Large.Count, plan.Large.Values.Sum(pair => pair.Blob.Size));
            foreach (var (path, (header, offset)) in places)
            {
                await RandomAccess.WriteAsync(file, header, offset, cancellationToken);
                var isSmall = plan.Small.TryGetValue(path, out var content);
                if (isSmall)
                    await RandomAccess.WriteAsync(file, content, offset + header.Length, cancellationToken);
                var length = isSmall ? content.Length : plan.Large[path].Blob.Size;
                await ClearAsync(offset + header.Length + length, (int)(TarHeader.Padded(length) - length), cancellationToken);
            }

            await ClearAsync(RandomAccess.GetLength(file) - TrailerSize, TrailerSize, cancellationToken);
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, options.Workers),
                CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(plan.Large, parallel, async (pair, token) =>
            {
                var (header, offset) = places[pair.Key];
                var (source, blob) = pair.Value;
                if (isNew || !await HasAsync(blob, offset + header.Length, token))
                    await CopyAsync(source, blob, offset + header.Length, token);
                else
                    _meter.Skipped(blob.Size);
                Interlocked.Add(ref _kept, blob.Size);
            });
        }

        /// <summary>What an earlier making with other places left between the files.</summary>
        private ValueTask ClearAsync(long offset, int length, CancellationToken cancellationToken) => isNew || length == 0
            ? ValueTask.CompletedTask : RandomAccess.WriteAsync(file, new byte[length], offset, cancellationToken);

        /// <summary>Whether an earlier making left a blob in its place. One that begins with zeros was hardly written.</summary>
        private async Task<bool> HasAsync(Descriptor blob, long offset, CancellationToken cancellationToken)
        {
            using var hash = new ContentHash(blob.Digest.Algorithm);
            var buffer = new byte[BufferSize];
            while (hash.Length < blob.Size)
            {
                var wanted = (int)Math.Min(buffer.Length, blob.Size - hash.Length);
                var read = await RandomAccess.ReadAsync(file, buffer.AsMemory(0, wanted), offset + hash.Length, cancellationToken);
                if (read == 0 || (hash.Length == 0 && !buffer.AsSpan(0, read).ContainsAnyExcept((byte)0)))
                    return false;
                hash.Append(buffer.AsSpan(0, read));
            }

            return hash.Finish() == blob.Digest;
        }

        private async Task CopyAsync(IContentSource source, Descriptor blob, long offset, CancellationToken cancellationToken)
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
