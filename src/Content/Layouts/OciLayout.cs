using CapiRegistryHook.Content.Archives;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Layouts;

/// <summary>An OCI image layout: a folder, a tar of one (<c>oci-archive</c>), or a bundle. Blobs are read where they are.</summary>
public sealed class OciLayout : INamedSource
{
    internal const string MarkerName = "oci-layout";
    internal const string IndexName = "index.json";

    private readonly IFileSet _files;
    private readonly ILookup<Digest, AttachedContent> _attached;

    private OciLayout(IFileSet files, Manifest index)
    {
        _files = files;
        Index = index;
        var attached = new List<(Digest Subject, AttachedContent Content)>();
        var names = new List<NamedContent>();
        foreach (var entry in index.Children)
            Sort(entry, names, attached);
        Names = names;
        _attached = attached.ToLookup(pair => pair.Subject, pair => pair.Content);
        var twice = names.Where(name => name.Label is not null).GroupBy(name => name.Label)
            .FirstOrDefault(group => group.DistinctBy(name => name.Descriptor.Digest).Count() > 1);
        if (twice is not null)
            throw new ContentException($"{Location} has two different entries named '{twice.Key}'.");
    }

    /// <inheritdoc/>
    public string Location => _files.Location;

    /// <summary>The index of the layout.</summary>
    public Manifest Index { get; }

    /// <inheritdoc/>
    public IReadOnlyList<NamedContent> Names { get; }

    /// <summary>The list of a bundle; null for other layouts.</summary>
    public Descriptor? Lock { get; private set; }

    internal static OciLayout Open(IFileSet files)
    {
        var index = files.ReadAll(IndexName, Manifest.LargestSize)
            ?? throw new ContentException($"{files.Location} is not an OCI layout: it has no index.json.");
        try
        {
            return new OciLayout(files, Manifest.Parse(index, MediaTypes.OciIndex));
        }
        catch (ContentException exception)
        {
            throw new ContentException($"The index of {files.Location} can't be used: {exception.Message}", exception);
        }
    }

    /// <inheritdoc/>
    public Task<ReadOnlyMemory<byte>?> ReadManifestAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        Task.FromResult(_files.ReadAll(PathOf(descriptor.Digest), Manifest.LargestSize));

    /// <inheritdoc/>
    public Task<Stream?> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken) =>
        Task.FromResult(_files.Open(PathOf(descriptor.Digest), offset));

    /// <inheritdoc/>
    public Task<bool> HasBlobAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        Task.FromResult(_files.LengthOf(PathOf(descriptor.Digest)) is not null);

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttachedContent>> AttachedToAsync(Digest subject, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<AttachedContent>>([.. _attached[subject].Distinct()]);

    /// <inheritdoc/>
    public void Dispose() => _files.Dispose();

    internal static string PathOf(Digest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";

    private void Sort(Descriptor entry, List<NamedContent> names, List<(Digest Subject, AttachedContent Content)> attached)
    {
        var label = LayoutNames.LabelOf(entry);
        var name = LayoutNames.NameOf(label);
        var tag = entry.Annotations.GetValueOrDefault(LayoutNames.AttachedTag) ?? name?.Tag;
        if (entry.ArtifactType == LayoutNames.LockType)
            Lock = Plain(entry);
        else if (SubjectOf(entry, tag) is { } subject)
            attached.Add((subject,
                new AttachedContent(Plain(entry), tag is not null && LayoutNames.SubjectOf(tag) == subject ? tag : null)));
        else if (entry.IsManifest)
            names.Add(new NamedContent(name, Plain(entry)) { Label = label });
        else
            throw new ContentException($"its entry {entry.Digest} is of type {entry.MediaType}, which is not a manifest");
    }

    // In a bundle the entry says it; elsewhere a cosign tag or the manifest itself does.
    private Digest? SubjectOf(Descriptor entry, string? tag)
    {
        if (entry.Annotations.GetValueOrDefault(LayoutNames.AttachedTo) is { } subject)
            return Digest.Parse(subject);
        if (tag is not null && LayoutNames.SubjectOf(tag) is { } signed)
            return signed;
        if (!entry.IsManifest || entry.Size > Manifest.LargestSize
            || _files.ReadAll(PathOf(entry.Digest), Manifest.LargestSize) is not { } bytes)
            return null;
        return Manifest.Parse(bytes, entry).Subject?.Digest;
    }

    private static Descriptor Plain(Descriptor entry) => entry with { Annotations = Descriptor.NoAnnotations };
}
