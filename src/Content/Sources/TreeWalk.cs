using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Sources;

/// <summary>Collects a tree, within bounds that no real one comes near.</summary>
internal sealed class TreeWalk(IContentSource source, TreeOptions options)
{
    private const int Deepest = 8;
    private const int MostManifests = 4096;
    private const int MostBlobs = 50_000;

    /// <summary>What all manifests of a tree, or of several, may take where nothing else is said.</summary>
    public const long LargestManifests = 256L << 20;

    private readonly HashSet<Digest> _visited = [];
    private readonly HashSet<Digest> _open = [];
    private readonly HashSet<Digest> _missing = [];
    private readonly ManifestAllowance _allowance = options.Allowance ?? new ManifestAllowance(LargestManifests);

    public TreeFindings Findings { get; } = new();

    /// <summary>Adds a manifest after all that it needs.</summary>
    public async Task VisitAsync(Descriptor descriptor, int depth, CancellationToken cancellationToken)
    {
        if (_open.Contains(descriptor.Digest))
            throw new ContentException($"The index {descriptor.Digest} in {source.Location} contains itself.");
        if (depth > Deepest)
            throw new ContentException(
                $"Indexes in {source.Location} are nested more than {Deepest} deep, the last one being {descriptor.Digest}.");
        if (!_visited.Add(descriptor.Digest))
            return;
        if (await ReadAsync(descriptor, cancellationToken) is not { } manifest)
        {
            Findings.Missing.Add(descriptor);
            _missing.Add(descriptor.Digest);
            return;
        }

        _open.Add(descriptor.Digest);
        foreach (var child in manifest.Children.Where(child => options.Includes?.Invoke(manifest, child) != false))
            await VisitEntryAsync(child, depth, cancellationToken);
        _open.Remove(descriptor.Digest);
        foreach (var blob in manifest.Blobs)
            AddBlob(blob);
        Findings.Manifests.Add(manifest);
    }

    /// <summary>Adds what is attached to the manifests found so far, and what is attached to that, such as the signature of an
    /// SBOM.</summary>
    public async Task VisitAttachedAsync(CancellationToken cancellationToken)
    {
        for (var place = 0; options.WithAttached && place < Findings.Manifests.Count; place++)
        {
            foreach (var attached in await source.AttachedToAsync(Findings.Manifests[place].Descriptor.Digest, cancellationToken))
            {
                var isNew = !_visited.Contains(attached.Descriptor.Digest);
                await VisitAsync(attached.Descriptor, depth: 1, cancellationToken);
                // Lists of referrers may name some that have been deleted since; the content itself is complete without them.
                if (isNew && _missing.Contains(attached.Descriptor.Digest))
                    Findings.Missing.Remove(attached.Descriptor);
                else if (!_missing.Contains(attached.Descriptor.Digest) && !Findings.Attached.Contains(attached))
                    Findings.Attached.Add(attached);
            }
        }
    }

    // An index may list blobs too; they are needed as much as manifests.
    private async Task VisitEntryAsync(Descriptor child, int depth, CancellationToken cancellationToken)
    {
        if (child.IsManifest)
            await VisitAsync(child, depth + 1, cancellationToken);
        else
            AddBlob(child);
    }

    private async Task<Manifest?> ReadAsync(Descriptor descriptor, CancellationToken cancellationToken)
    {
        if (descriptor.Size > Manifest.LargestSize)
            throw new ContentException($"The manifest {descriptor.Digest} in {source.Location} is said to have {descriptor.Size} bytes; "
                + $"registries accept {Manifest.LargestSize}.");
        if (_visited.Count > MostManifests)
            throw new ContentException($"{source.Location} has more than {MostManifests} manifests under one name.");
        if (!_allowance.TryTake(descriptor.Size))
            throw new ManifestAllowanceException(
                $"The manifests of {source.Location}, with those that are copied at the same time, have more than "
                    + $"{_allowance.Most >> 20} MiB.");
        return await source.ReadManifestAsync(descriptor, cancellationToken) is { } bytes ? Manifest.Parse(bytes, descriptor) : null;
    }

    private void AddBlob(Descriptor blob)
    {
        if (!Findings.Blobs.TryAdd(blob.Digest, blob) && Findings.Blobs[blob.Digest].Size != blob.Size)
            throw new ContentException($"The blob {blob.Digest} in {source.Location} is described with two sizes: "
                + $"{Findings.Blobs[blob.Digest].Size} and {blob.Size} bytes.");
        if (Findings.Blobs.Count > MostBlobs)
            throw new ContentException($"{source.Location} has more than {MostBlobs} blobs under one name.");
    }
}

/// <summary>What a walk has found so far.</summary>
internal sealed class TreeFindings
{
    public List<Manifest> Manifests { get; } = [];

    public List<AttachedContent> Attached { get; } = [];

    public List<Descriptor> Missing { get; } = [];

    public OrderedDictionary<Digest, Descriptor> Blobs { get; } = [];
}
