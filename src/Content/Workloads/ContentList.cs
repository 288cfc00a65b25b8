using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Yaml;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Content.Workloads;

/// <summary>What a bundle is made from: the file <c>content.yaml</c>. Paths in it are relative to it.</summary>
/// <param name="Images">Images by tag or digest.</param>
/// <param name="ImageLists">Files with one reference a line.</param>
/// <param name="Charts">Charts, whose images come along.</param>
/// <param name="Archives">OCI layouts, OCI archives, Docker archives and bundles. All that they name comes along, and is taken from there
/// and not from its registry.</param>
/// <param name="Platforms">Platforms that are kept; all when there are none.</param>
public sealed record ContentList(
    IReadOnlyList<Reference> Images, IReadOnlyList<string> ImageLists, IReadOnlyList<ChartWish> Charts, IReadOnlyList<string> Archives,
    IReadOnlyList<Platform> Platforms)
{
    /// <summary>Nothing.</summary>
    public static ContentList Empty { get; } = new([], [], [], [], []);

    private const int LongestList = 4 << 20;

    private static readonly string[] Keys = ["images", "imageLists", "charts", "archives", "platforms"];
    private static readonly string[] ChartKeys = ["chart", "repository", "version", "values"];

    /// <summary>Reads the file.</summary>
    /// <exception cref="ContentException">It has an unknown field or a malformed value.</exception>
    public static ContentList Parse(string yaml, string what)
    {
        if (YamlText.Load(yaml, what) is not [YamlMappingNode root])
            throw new ContentException($"{what} is not one YAML mapping.");
        RefuseUnknown(root, Keys, what);
        return new ContentList(
            [.. Texts(root, "images", what).Select(Reference.Parse)], Texts(root, "imageLists", what),
            [.. List(root, "charts", what).Select(chart => Chart(chart, what))], Texts(root, "archives", what),
            [.. Texts(root, "platforms", what).Select(Platform.Parse)]);
    }

    /// <summary>The references in a list of images: one a line, such as the output of <c>kubeadm config images list</c>. Empty lines and
    /// comments are left out.</summary>
    /// <exception cref="ContentException">A line is not a reference; the message says which.</exception>
    public static IReadOnlyList<Reference> ParseImageList(string text, string what)
    {
        if (text.Length > LongestList)
            throw new ContentException($"{what} is longer than {LongestList} characters.");
        var images = new List<Reference>();
        foreach (var (number, line) in text.Split('\n').Index())
        {
            var image = line.Split('#')[0].Trim();
            if (image.Length > 0)
                images.Add(Reference.TryParse(image, out var reference) ? reference
                    : throw new ContentException($"Line {number + 1} of {what} is not an image reference: '{Digest.Shorten(image)}'."));
        }

        return images;
    }

    private static ChartWish Chart(YamlNode node, string what)
    {
        if (node is not YamlMappingNode chart)
            throw new ContentException($"{what} has a chart that is not a mapping.");
        RefuseUnknown(chart, ChartKeys, what);
        var name = chart.Text("chart") is { Length: > 0 } text ? text
            : throw new ContentException($"{what} has a chart without the field chart.");
        return new ChartWish(name, chart.Text("repository"), chart.Text("version"), Texts(chart, "values", what));
    }

    private static void RefuseUnknown(YamlMappingNode mapping, string[] keys, string what)
    {
        if (mapping.Children.Keys.OfType<YamlScalarNode>().FirstOrDefault(key => !keys.Contains(key.Value)) is { } unknown)
            throw new ContentException(
                $"{what} has the unknown field '{Digest.Shorten(unknown.Value ?? "")}': use {string.Join(", ", keys)}.");
    }

    private static string[] Texts(YamlMappingNode mapping, string key, string what) =>
        [.. List(mapping, key, what).Select(item => item is YamlScalarNode { Value: { Length: > 0 } text } ? text
            : throw new ContentException($"{key} in {what} is not a list of texts."))];

    private static IList<YamlNode> List(YamlMappingNode mapping, string key, string what) => mapping.Get(key) switch
    {
        null => [],
        YamlScalarNode { Value: null or "" } => [],
        YamlSequenceNode list => list.Children,
        _ => throw new ContentException($"{key} in {what} is not a list."),
    };
}

/// <summary>A chart for a bundle.</summary>
/// <param name="Chart"><c>oci://host/path</c>, a <c>.tgz</c> file, a folder, or with a repository the name of a chart.</param>
/// <param name="Repository">The https address of a classic repository; null otherwise.</param>
/// <param name="Version">The exact version; null for what the path says, or for the newest release.</param>
/// <param name="Values">Values files with which its images are found.</param>
public sealed record ChartWish(string Chart, string? Repository, string? Version, IReadOnlyList<string> Values);
