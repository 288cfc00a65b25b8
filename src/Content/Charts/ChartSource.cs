using CapiRegistryHook.Content.Archives;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;
using Microsoft.Win32.SafeHandles;

namespace CapiRegistryHook.Content.Charts;

/// <summary>
/// A Helm chart from a <c>.tgz</c> file or a folder, as Helm would push it: Chart.yaml as configuration, the archive as the one layer.
/// </summary>
public sealed class ChartSource : INamedSource
{
    private const long LargestArchive = 100 << 20;
    private const long LargestProvenance = 1 << 20;

    private readonly SafeFileHandle? _file;
    private readonly Dictionary<Digest, ReadOnlyMemory<byte>> _small = [];
    private readonly Manifest _manifest;

    private ChartSource(string location, ChartFiles files, Descriptor archive, SafeFileHandle? file)
    {
        Location = location;
        Name = files.Name;
        Version = files.Version;
        AnnotatedImages = files.AnnotatedImages;
        LockedImages = files.LockedImages;
        _file = file;
        var layers = new List<Descriptor> { archive };
        if (Provenance(location) is { } signature)
            layers.Add(AddSmall(MediaTypes.HelmProvenance, signature));
        _manifest = ManifestWriter.Image(AddSmall(MediaTypes.HelmConfig, files.Config), layers, annotations: files.Annotations);
        Names = [new NamedContent(null, _manifest.Descriptor) { Label = $"{Name}:{Tag}" }];
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public IReadOnlyList<NamedContent> Names { get; }

    /// <summary>The name of the chart, which is the last part of its repository.</summary>
    public string Name { get; }

    /// <summary>The version of the chart.</summary>
    public string Version { get; }

    /// <summary>The version as a tag: a plus, which tags can't have, is an underscore.</summary>
    public string Tag => Version.Replace('+', '_');

    /// <summary>The manifest.</summary>
    public Descriptor Root => _manifest.Descriptor;

    /// <summary>Images that the annotation <c>artifacthub.io/images</c> lists.</summary>
    public IReadOnlyList<string> AnnotatedImages { get; }

    /// <summary>Images that <c>Images.lock</c> lists.</summary>
    public IReadOnlyList<string> LockedImages { get; }

    /// <summary>Opens a chart. The caller disposes it.</summary>
    /// <param name="path">A <c>.tgz</c> file, or a folder with a Chart.yaml, which is packed in memory.</param>
    /// <exception cref="ContentException">It is not a chart.</exception>
    public static ChartSource Open(string path)
    {
        try
        {
            return Directory.Exists(path) ? OpenFolder(path) : OpenFile(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ContentException($"{path} can't be read: {exception.Message}", exception);
        }
    }

    /// <inheritdoc/>
    public Task<ReadOnlyMemory<byte>?> ReadManifestAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        Task.FromResult(descriptor.Digest == Root.Digest ? _manifest.Bytes : (ReadOnlyMemory<byte>?)null);

    /// <inheritdoc/>
    public Task<Stream?> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
    {
        if (_small.TryGetValue(descriptor.Digest, out var content))
            return Task.FromResult<Stream?>(new MemoryStream(content[(int)offset..].ToArray()));
        var isArchive = _file is not null && descriptor.Digest == _manifest.Layers[0].Digest;
        return Task.FromResult<Stream?>(isArchive ? new FileSlice(_file!, offset, descriptor.Size - offset) : null);
    }

    /// <inheritdoc/>
    public Task<bool> HasBlobAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        Task.FromResult(_manifest.Blobs.Any(blob => blob.Digest == descriptor.Digest));

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttachedContent>> AttachedToAsync(Digest subject, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<AttachedContent>>([]);

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    private static ChartSource OpenFolder(string path)
    {
        var packed = ChartPacker.Pack(path);
        using var archive = new MemoryStream(packed);
        var files = ChartFiles.Read(archive, path);
        var source = new ChartSource(path, files, new Descriptor(MediaTypes.HelmChart, Digest.Compute(packed), packed.Length), file: null);
        source.AddSmall(MediaTypes.HelmChart, packed);
        return source;
    }

    private static ChartSource OpenFile(string path)
    {
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            var length = RandomAccess.GetLength(file);
            if (length > LargestArchive)
                throw new ContentException($"{path} has {length} bytes, more than a chart may have.");
            using var archive = new FileSlice(file, 0, length);
            var files = ChartFiles.Read(archive, path);
            return new ChartSource(path, files, Describe(file, length), file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private Descriptor AddSmall(string mediaType, byte[] content)
    {
        var digest = Digest.Compute(content);
        _small[digest] = content;
        return new Descriptor(mediaType, digest, content.Length);
    }

    // The signature that "helm package --sign" writes beside the archive.
    private static byte[]? Provenance(string path)
    {
        var file = new FileInfo(path + ".prov");
        return file is { Exists: true, Length: <= LargestProvenance } ? File.ReadAllBytes(file.FullName) : null;
    }

    private static Descriptor Describe(SafeFileHandle file, long length)
    {
        using var hash = new ContentHash();
        using var content = new FileSlice(file, 0, length);
        var buffer = new byte[1 << 16];
        for (int read; (read = content.Read(buffer)) > 0;)
            hash.Append(buffer.AsSpan(0, read));
        return new Descriptor(MediaTypes.HelmChart, hash.Finish(), length);
    }
}
