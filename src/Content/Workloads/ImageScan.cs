using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Yaml;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Content.Workloads;

/// <summary>An image that a manifest names.</summary>
/// <param name="Image">The reference as it stands there.</param>
/// <param name="Where">The object, the field, and the chart's template where Helm names it.</param>
public sealed record ImageMention(string Image, string Where)
{
    /// <summary>The place of the value in the text, in characters; without its quotes. Null when it is written in a form that can't be
    /// replaced in place.</summary>
    internal (int Start, int Length)? Place { get; init; }

    internal ScalarStyle Style { get; init; }
}

/// <summary>Finds the images in rendered manifests: in pods and everything that has a pod template, and where the caller says.</summary>
public static class ImageScan
{
    /// <summary>The longest text that is read, in characters.</summary>
    public const int LongestText = 32 << 20;

    private const int MostMentions = 20_000;
    private const int MostObjects = 100_000;
    private const string SourceComment = "# Source: ";

    private static readonly ImagePath[] Known =
    [
        .. ImagePath.OfPods("Pod", "spec"),
        .. ImagePath.OfPods("PodTemplate", "template", "spec"),
        .. new[] { "Deployment", "ReplicaSet", "ReplicationController", "DaemonSet", "StatefulSet", "Job" }
            .SelectMany(kind => ImagePath.OfPods(kind, "spec", "template", "spec")),
        .. ImagePath.OfPods("CronJob", "spec", "jobTemplate", "spec", "template", "spec"),
    ];

    /// <summary>The images in the order of the text, each as often as it is named.</summary>
    /// <param name="yaml">One or more documents, lists of objects among them.</param>
    /// <param name="more">Where objects of other kinds name images.</param>
    /// <exception cref="ContentException">The text is not YAML that can be used.</exception>
    public static IReadOnlyList<ImageMention> Find(string yaml, IReadOnlyList<ImagePath> more)
    {
        var mentions = new Dictionary<long, ImageMention>();
        var objects = 0;
        foreach (var document in YamlText.Load(yaml, "The manifest", LongestText))
        {
            var source = SourceOf(yaml, (int)document.Start.Index);
            foreach (var item in Objects(document))
            {
                if (++objects > MostObjects)
                    throw new ContentException($"The manifest has more than {MostObjects} objects.");
                foreach (var path in Known.Concat(more).Where(path => path.IsOf(item.Text("kind") ?? "")))
                    Walk(item, path, 0, "", (value, where) => Add(mentions, yaml, value, $"{NameOf(item)}: {where}{source}"));
            }
        }

        return [.. mentions.OrderBy(pair => pair.Key).Select(pair => pair.Value)];
    }

    // An alias leads to a value again that is in the text once.
    private static void Add(Dictionary<long, ImageMention> mentions, string yaml, YamlScalarNode value, string where)
    {
        if (value.Value is not { Length: > 0 } image)
            return;
        mentions.TryAdd(value.Start.Index, new ImageMention(image, where) { Place = PlaceOf(yaml, value), Style = value.Style });
        if (mentions.Count > MostMentions)
            throw new ContentException($"The manifest names more than {MostMentions} images.");
    }

    private static (int Start, int Length)? PlaceOf(string yaml, YamlScalarNode value)
    {
        var (start, end) = ((int)value.Start.Index, Math.Min((int)value.End.Index, yaml.Length));
        if (value.Style is not (ScalarStyle.Plain or ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted) || start >= end)
            return null;
        // Anchors and tags stand before the value.
        var place = yaml.AsSpan(start, end - start).LastIndexOf(value.Value, StringComparison.Ordinal);
        return place < 0 ? null : (start + place, value.Value!.Length);
    }

    private static IEnumerable<YamlNode> Objects(YamlNode document) =>
        document.Text("kind")?.EndsWith("List", StringComparison.Ordinal) == true && document.Get("items") is YamlSequenceNode items
            ? items.Children : [document];

    private static void Walk(YamlNode? node, ImagePath path, int depth, string where, Action<YamlScalarNode, string> found)
    {
        if (depth == path.Segments.Count)
        {
            if (node is YamlScalarNode scalar)
                found(scalar, where);
            return;
        }

        if (path.Segments[depth] != "*")
        {
            Walk(node.Get(path.Segments[depth]), path, depth + 1, where.Length == 0 ? path.Segments[depth]
                : $"{where}.{path.Segments[depth]}", found);
            return;
        }

        var items = node.Items();
        for (var place = 0; place < items.Count; place++)
            Walk(items[place], path, depth + 1, $"{where}[{place}]", found);
    }

    private static string NameOf(YamlNode item)
    {
        var metadata = item.Get("metadata");
        var name = metadata.Text("name") ?? metadata.Text("generateName") ?? "without a name";
        return $"{item.Text("kind")} {(metadata.Text("namespace") is { Length: > 0 } space ? $"{space}/" : "")}{name}";
    }

    // Helm writes the template's path as a comment before each document.
    private static string SourceOf(string yaml, int start)
    {
        var before = yaml.AsSpan(0, Math.Min(start, yaml.Length));
        var separator = before.LastIndexOf("---");
        var head = separator < 0 ? before : before[separator..];
        var comment = head.LastIndexOf(SourceComment);
        if (comment < 0)
            return "";
        var line = head[(comment + SourceComment.Length)..];
        var end = line.IndexOf('\n');
        return $" ({(end < 0 ? line : line[..end]).Trim()})";
    }
}
