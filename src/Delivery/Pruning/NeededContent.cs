using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Delivery.Sources;

namespace CapiRegistryHook.Delivery.Pruning;

/// <summary>Content that somebody needs: which tags and digests of which repositories, and on whose account.</summary>
internal sealed class NeededContent(MirrorRule rule, string? pullAddress)
{
    private readonly Dictionary<(string Repository, string Selector), KeepReason> _needed = [];

    /// <summary>Adds an entry of a lock that was given to the command.</summary>
    public void Add(ContentPlaces.Named entry)
    {
        if (entry.Name is not null)
            Add(entry.Name, entry.Digest, KeepReason.Lock);
        foreach (var selector in new[] { entry.Place?.Tag, entry.Digest.ToString() }.OfType<string>())
        {
            if (entry.Place is { } place)
                _needed.TryAdd((place.Repository, selector), KeepReason.Lock);
        }
    }

    /// <summary>Adds an image as a pod or a lock names it. What nodes never look for in this registry is left out.</summary>
    public void Add(Reference name, Digest? digest, KeepReason reason)
    {
        if (RepositoryOf(name) is not { } repository)
            return;
        foreach (var selector in new[] { name.Tag, name.Digest?.ToString(), digest?.ToString() }.OfType<string>())
            _needed.TryAdd((repository, selector), reason);
    }

    /// <summary>Why a tag or digest stays; null when nobody needs it.</summary>
    public KeepReason? ReasonOf(string repository, string selector) =>
        _needed.TryGetValue((repository, selector), out var reason) ? reason : null;

    private string? RepositoryOf(Reference name)
    {
        if (name.Registry == pullAddress)
            return name.Repository;
        // By path whatever the mode: content may have been pushed that way, and to keep too much harms nobody.
        var isMirrored = rule.Upstreams?.Contains(name.Registry, StringComparer.OrdinalIgnoreCase) != false;
        return isMirrored ? MirrorPaths.PathOf(name, rule) : name.Repository;
    }
}

/// <summary>Why content stays.</summary>
public enum KeepReason
{
    /// <summary>A lock lists it, in the registry or given to the command.</summary>
    Lock,

    /// <summary>A pod runs it, or the template of a controller or of its history names it.</summary>
    Workload,

    /// <summary>A keep rule says so.</summary>
    Rule,
}
