using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Declared;

/// <summary>
/// A RegistryContent with every reference resolved to a digest once: what is copied from then on is this, whatever happens to tags in the
/// source. It frees its source when the last holder lets go.
/// </summary>
internal sealed class ResolvedContent : IDisposable
{
    private readonly IDisposable _opened;
    private readonly MemoryArtifact _artifact;
    private readonly Lock _gate = new();
    private int _holders = 1;

    /// <summary>Resolved content, held by its maker.</summary>
    /// <param name="key">The RegistryContent.</param>
    /// <param name="entries">What it is, in order of names.</param>
    /// <param name="named">The same, with what each of it is.</param>
    /// <param name="opened">What is freed in the end.</param>
    public ResolvedContent(
        ContentKey key, IReadOnlyList<SourceEntry> entries, IReadOnlyList<ContentPlaces.Named> named, IDisposable opened)
    {
        (Key, Entries, Named, _opened) = (key, entries, named, opened);
        _artifact = ArtifactOf(key, entries.Select(entry => (entry.Label, entry.Root.Digest)));
    }

    public ContentKey Key { get; }

    public IReadOnlyList<SourceEntry> Entries { get; }

    public IReadOnlyList<ContentPlaces.Named> Named { get; }

    /// <summary>What led to the source: equal as long as it would be opened the same way.</summary>
    public required object Way { get; init; }

    /// <summary>The registry that it comes from; null for a bundle.</summary>
    public SourceRegistry? Registry => _opened as SourceRegistry;

    /// <summary>The digest of the artifact that says in a registry that it holds this.</summary>
    public Digest Digest => _artifact.Root.Digest;

    /// <summary>The artifact as something to copy; it is the last thing that is.</summary>
    public CopyItem Artifact =>
        new($"the lock of {Key}", _artifact, _artifact.Root, ContentArtifact.Repository, ContentArtifact.TagOf(Key));

    /// <summary>The artifact for content.</summary>
    public static MemoryArtifact ArtifactOf(ContentKey key, IEnumerable<(string Name, Digest Digest)> entries) => new(
        $"the lock of {key}", ContentArtifact.Type, ContentArtifact.LockType, LockText.Write(entries),
        new Dictionary<string, string> { [ContentArtifact.NameAnnotation] = key.ToString() });

    /// <summary>Keeps the source open for one more holder, who disposes this in the end.</summary>
    /// <returns>False when nobody holds it any more.</returns>
    public bool TryHold()
    {
        lock (_gate)
        {
            if (_holders == 0)
                return false;
            _holders++;
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_holders == 0 || --_holders > 0)
                return;
        }

        _opened.Dispose();
    }
}
