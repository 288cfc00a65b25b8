using System.Diagnostics.CodeAnalysis;

namespace CapiRegistryHook.Content.References;

/// <summary>
/// The full name of content: registry, repository, and a tag, a digest or both. Short names are completed as containerd completes them:
/// <c>nginx</c> is <c>docker.io/library/nginx:latest</c>.
/// </summary>
public sealed record Reference
{
    /// <summary>The registry of names without one.</summary>
    public const string DockerHub = "docker.io";

    private const int LongestText = 1000;

    private Reference(string registry, string repository, string? tag, Digest? digest)
    {
        Registry = registry;
        Repository = repository;
        Tag = tag;
        Digest = digest;
    }

    /// <summary>Host and, where it was given, port: <c>docker.io</c>, <c>registry.example.com:5000</c>, <c>[fd00::20]:5000</c>.</summary>
    public string Registry { get; }

    /// <summary>The path below the registry, for example <c>library/nginx</c>.</summary>
    public string Repository { get; }

    /// <summary>The tag; null when there is a digest alone.</summary>
    public string? Tag { get; }

    /// <summary>The digest that the content must have; null when the tag decides.</summary>
    public Digest? Digest { get; }

    /// <summary>Registry and repository.</summary>
    public string Name => $"{Registry}/{Repository}";

    /// <summary>What a registry is asked for: the digest where there is one, else the tag.</summary>
    public string Selector => Digest?.ToString() ?? Tag!;

    /// <summary>A reference of checked parts.</summary>
    /// <param name="registry">Host and port.</param>
    /// <param name="repository">The path below the registry.</param>
    /// <param name="tag">The tag; <c>latest</c> when neither tag nor digest is given.</param>
    /// <param name="digest">The digest.</param>
    /// <exception cref="ContentException">A part is malformed.</exception>
    public static Reference Create(string registry, string repository, string? tag = null, Digest? digest = null)
    {
        if (!ReferenceGrammar.IsRegistry(registry))
            throw new ContentException($"'{References.Digest.Shorten(registry)}' is not a registry's host and port.");
        if (!ReferenceGrammar.IsRepository(repository))
            throw new ContentException(
                $"'{References.Digest.Shorten(repository)}' is not a repository: use lower-case letters, digits and single separators.");
        if (tag is not null && !ReferenceGrammar.IsTag(tag))
            throw new ContentException($"'{References.Digest.Shorten(tag)}' is not a tag.");
        return new Reference(registry, repository, tag ?? (digest is null ? "latest" : null), digest);
    }

    /// <summary>Reads a reference as people and manifests write it.</summary>
    /// <exception cref="ContentException">The text is not a reference; the message says which part.</exception>
    public static Reference Parse(string text)
    {
        if (text.Length is 0 or > LongestText)
            throw new ContentException($"'{References.Digest.Shorten(text)}' is not an image reference.");
        try
        {
            return Split(text);
        }
        catch (ContentException exception)
        {
            throw new ContentException($"'{References.Digest.Shorten(text)}' is not an image reference: {exception.Message}", exception);
        }
    }

    /// <summary>Reads a reference; false when the text is not one.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out Reference? reference)
    {
        try
        {
            reference = Parse(text);
            return true;
        }
        catch (ContentException)
        {
            reference = null;
            return false;
        }
    }

    /// <summary>The same repository with another tag or digest.</summary>
    /// <exception cref="ContentException">The tag is malformed.</exception>
    public Reference With(string? tag, Digest? digest) => Create(Registry, Repository, tag, digest);

    /// <inheritdoc/>
    public override string ToString() => $"{Name}{(Tag is null ? "" : $":{Tag}")}{(Digest is null ? "" : $"@{Digest}")}";

    private static Reference Split(string text)
    {
        Digest? digest = null;
        if (text.IndexOf('@', StringComparison.Ordinal) is var at and >= 0)
        {
            digest = References.Digest.Parse(text[(at + 1)..]);
            text = text[..at];
        }

        string? tag = null;
        var colon = text.LastIndexOf(':');
        if (colon > text.LastIndexOf('/') && !text.EndsWith(']'))
        {
            tag = text[(colon + 1)..];
            text = text[..colon];
        }

        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? "" : text[..slash];
        var isRegistry = first == "localhost" || first.AsSpan().ContainsAny('.', ':') || first.Any(char.IsAsciiLetterUpper);
        var (registry, repository) = isRegistry ? (first, text[(slash + 1)..]) : (DockerHub, text);
        if (registry == "index.docker.io")
            registry = DockerHub;
        if (registry == DockerHub && !repository.Contains('/', StringComparison.Ordinal))
            repository = $"library/{repository}";
        return Create(registry, repository, tag, digest);
    }
}
