using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Workloads;

/// <summary>
/// Where objects of a kind name an image: <c>Prometheus:spec.image</c>, or <c>Widget:spec.parts[*].image</c>. A star as the kind stands
/// for every kind.
/// </summary>
/// <param name="Kind">The kind; <c>*</c> for every one.</param>
/// <param name="Segments">Keys from the root of the object on; <c>*</c> for each entry of a list.</param>
public sealed record ImagePath(string Kind, IReadOnlyList<string> Segments)
{
    private const int MostSegments = 32;
    private const string Every = "*";

    private static readonly string[] ContainerLists = ["containers", "initContainers", "ephemeralContainers"];

    /// <summary>Reads a path.</summary>
    /// <exception cref="ContentException">The text is not a path.</exception>
    public static ImagePath Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var segments = text[(colon + 1)..].Replace("[*]", ".*", StringComparison.Ordinal).TrimStart('.').Split('.');
        if (colon < 1 || segments.Length > MostSegments
            || segments.Any(segment => segment.Length == 0 || segment.AsSpan().ContainsAny('[', ']', ' ')))
            throw new ContentException(
                $"'{Digest.Shorten(text)}' is not a path to an image: write Kind:spec.image, with [*] for each entry of a list.");
        return new ImagePath(text[..colon], segments);
    }

    internal bool IsOf(string kind) => Kind == Every || Kind == kind;

    /// <summary>Every place in a pod template that names an image.</summary>
    internal static IEnumerable<ImagePath> OfPods(string kind, params string[] podSpec) =>
        [.. ContainerLists.Select(list => new ImagePath(kind, [.. podSpec, list, Every, "image"])),
         new ImagePath(kind, [.. podSpec, "volumes", Every, "image", "reference"])];
}
