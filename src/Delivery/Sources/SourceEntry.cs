using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Delivery.Sources;

/// <summary>One image, chart or artifact of a source.</summary>
/// <param name="Label">What it is called in messages.</param>
/// <param name="Source">Where it is read.</param>
/// <param name="Root">Its manifest or index.</param>
public sealed record SourceEntry(string Label, IContentSource Source, Descriptor Root)
{
    /// <summary>The name that manifests use, which decides where it goes; null where <see cref="Place"/> says so.</summary>
    public Reference? Name { get; init; }

    /// <summary>The place in every registry; null where the name and the mirror rule of the cluster decide.</summary>
    public RegistryPlace? Place { get; init; }
}

/// <summary>A place in a registry.</summary>
/// <param name="Repository">The repository.</param>
/// <param name="Tag">The tag; null for the digest alone.</param>
public sealed record RegistryPlace(string Repository, string? Tag);
