using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Delivery.Reading;

/// <summary>
/// Something in a registry as people name it. With a host it is the name that manifests use, and the mirror rule of the cluster says where
/// it lies. Without one it is a repository as <c>list</c> prints it.
/// </summary>
public static class ContentName
{
    /// <summary>The place of a name in a registry.</summary>
    /// <param name="text">A repository with a tag, a digest, or neither; neither means the tag <c>latest</c>.</param>
    /// <param name="rule">Where nodes look.</param>
    /// <exception cref="DeliveryException">It is not a name.</exception>
    /// <exception cref="ContentException">Nodes never look for it in the registry.</exception>
    public static ResolvedName Resolve(string text, MirrorRule rule)
    {
        // With a host of its own, so that no short name is completed: "app:1" is the repository app.
        var reference = HasHost(text) ? Reference.Parse(text)
            : Reference.TryParse($"{PlaceholderHost}/{text}", out var local) ? local
            : throw new DeliveryException($"{FieldText.Quote(text)} is neither a repository with a tag or digest nor an image name.");
        var isUpstream = reference.Registry != PlaceholderHost;
        var repository = isUpstream ? MirrorPaths.PathOf(reference, rule) : reference.Repository;
        return new ResolvedName(text, repository, reference.Tag, reference.Digest, isUpstream ? reference : null);
    }

    private const string PlaceholderHost = "registry.invalid";

    private static bool HasHost(string text)
    {
        var first = text.Split('/')[0];
        return text.Contains('/', StringComparison.Ordinal) && (first == "localhost" || first.AsSpan().ContainsAny('.', ':'));
    }
}

/// <summary>A name with its place in a registry.</summary>
/// <param name="Text">As it was given.</param>
/// <param name="Repository">The repository.</param>
/// <param name="Tag">The tag; null for the digest alone.</param>
/// <param name="Digest">The digest; null when the tag decides.</param>
/// <param name="Upstream">The name that manifests use; null where a repository was given.</param>
public sealed record ResolvedName(string Text, string Repository, string? Tag, Digest? Digest, Reference? Upstream)
{
    /// <summary>What a registry is asked for.</summary>
    public string Selector => Digest?.ToString() ?? Tag!;

    /// <summary>The name under which content is saved: the one that manifests use, as far as that is known.</summary>
    public Reference SavedAs => Upstream ?? Reference.Create(
        RegistryOf(Repository) ?? Reference.DockerHub,
        RegistryOf(Repository) is null ? Repository : Repository[(Repository.IndexOf('/', StringComparison.Ordinal) + 1)..],
        Tag, Digest);

    // In mirror mode perUpstream the first part of a repository is the host.
    private static string? RegistryOf(string repository)
    {
        var slash = repository.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && repository[..slash].Contains('.', StringComparison.Ordinal) ? repository[..slash] : null;
    }
}
