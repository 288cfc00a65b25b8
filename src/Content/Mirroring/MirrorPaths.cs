using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Mirroring;

/// <summary>Where nodes look for images in their registry.</summary>
/// <param name="Upstreams">
/// The hosts whose images lie below their name, as in mirror mode <c>perUpstream</c>; null for the mode <c>default</c>, in which all lie
/// by their path alone.
/// </param>
public sealed record MirrorRule(IReadOnlyList<string>? Upstreams = null)
{
    /// <summary>All images by their path alone.</summary>
    public static MirrorRule ByPath { get; } = new();
}

/// <summary>Maps the name of an image to the repository in which nodes look for it.</summary>
public static class MirrorPaths
{
    /// <summary>The repository of one image.</summary>
    /// <exception cref="ContentException">Nodes never look for it in the registry, or its host can't be a path.</exception>
    public static string PathOf(Reference reference, MirrorRule rule)
    {
        if (rule.Upstreams is null)
            return reference.Repository;
        if (!rule.Upstreams.Contains(reference.Registry, StringComparer.OrdinalIgnoreCase))
            throw new ContentException(
                $"{reference} is not looked for in the registry: add {reference.Registry} to mirror.upstreams of the cluster.");
        var path = $"{reference.Registry.Replace(':', '_').ToLowerInvariant()}/{reference.Repository}";
        return ReferenceGrammar.IsRepository(path) ? path
            : throw new ContentException(
                $"{reference.Registry} can't be part of a path in a registry: {reference} needs mirror mode default.");
    }

    /// <summary>The repositories of all images, in order.</summary>
    /// <param name="content">Names, each with the digest of what it stands for.</param>
    /// <param name="rule">Where nodes look.</param>
    /// <exception cref="ContentException">Images of two hosts would lie in one repository without being the same.</exception>
    public static IReadOnlyList<string> Map(IReadOnlyList<(Reference Name, Digest Digest)> content, MirrorRule rule)
    {
        var paths = content.Select(entry => PathOf(entry.Name, rule)).ToList();
        foreach (var path in paths.Zip(content).GroupBy(pair => pair.First, pair => pair.Second))
            CheckHosts(path.Key, [.. path.GroupBy(entry => entry.Name.Registry, StringComparer.OrdinalIgnoreCase)]);
        return paths;
    }

    // A node that asks for the tag of one host must never get the other's image, also not for a tag that only the other has.
    private static void CheckHosts(string path, List<IGrouping<string, (Reference Name, Digest Digest)>> hosts)
    {
        var first = Tags(hosts[0]);
        foreach (var other in hosts.Skip(1))
        {
            var different = Tags(other).Except(first).Concat(first.Except(Tags(other)))
                .Select(tag => tag.Tag).Order(StringComparer.Ordinal).FirstOrDefault();
            if (different is null)
                continue;
            var (a, b) = (NameOf(hosts[0], different), NameOf(other, different));
            throw new ContentException($"{a} and {b} would both be {path} in the registry and are not the same: set mirror.mode of the "
                + "cluster to perUpstream, with both hosts in mirror.upstreams, or leave one of them out.");
        }
    }

    private static HashSet<(string Tag, Digest Digest)> Tags(IEnumerable<(Reference Name, Digest Digest)> entries) =>
        [.. entries.Where(entry => entry.Name.Tag is not null).Select(entry => (entry.Name.Tag!, entry.Digest))];

    private static Reference NameOf(IEnumerable<(Reference Name, Digest Digest)> entries, string tag) =>
        entries.OrderBy(entry => entry.Name.Tag == tag ? 0 : 1).First().Name;
}
