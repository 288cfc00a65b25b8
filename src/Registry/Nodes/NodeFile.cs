namespace CapiRegistryHook.Registry.Nodes;

/// <summary>A file that a node is created with, owned by root.</summary>
/// <param name="Path">Where it lies.</param>
/// <param name="Permissions">Its mode in octal digits.</param>
public sealed record NodeFile(string Path, string Permissions)
{
    /// <summary>The user and group of every file.</summary>
    public const string Owner = "root:root";

    /// <summary>The text; null when it comes from a Secret.</summary>
    public string? Content { get; init; }

    /// <summary>True when the text is a script, which is the same for every cluster.</summary>
    public bool IsScript { get; init; }

    /// <summary>A key of a Secret beside the Cluster; null when the text is given.</summary>
    public NodeFileSource? Source { get; init; }
}

/// <summary>Where the content of a file is looked up when the node is created.</summary>
/// <param name="SecretName">The Secret, in the Cluster's namespace.</param>
/// <param name="Key">The key in it.</param>
public sealed record NodeFileSource(string SecretName, string Key);
