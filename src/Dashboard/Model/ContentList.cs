namespace CapiRegistryHook.Dashboard.Model;

/// <summary>The repositories of a registry.</summary>
/// <param name="Repositories">Their names, in the registry's order.</param>
/// <param name="HasMore">Whether there are more than are listed.</param>
public sealed record RepositoryList(IReadOnlyList<string> Repositories, bool HasMore);

/// <summary>The tags of a repository.</summary>
/// <param name="Tags">The tags, in the registry's order.</param>
/// <param name="HasMore">Whether there are more than are listed.</param>
public sealed record TagList(IReadOnlyList<string> Tags, bool HasMore);

/// <summary>What tags stand for.</summary>
/// <param name="Content">One per tag, in the order in which they were asked for.</param>
public sealed record ContentList(IReadOnlyList<ContentRow> Content);

/// <summary>What a tag stands for.</summary>
/// <param name="Tag">The tag.</param>
public sealed record ContentRow(string Tag)
{
    /// <summary>The digest of its manifest or index.</summary>
    public string? Digest { get; init; }

    /// <summary>What it is.</summary>
    public string? Kind { get; init; }

    /// <summary>All its blobs and manifests in bytes.</summary>
    public long? Size { get; init; }

    /// <summary>What it runs on.</summary>
    public IReadOnlyList<string> Platforms { get; init; } = [];

    /// <summary>Why it can't be read.</summary>
    public string? Problem { get; init; }
}
