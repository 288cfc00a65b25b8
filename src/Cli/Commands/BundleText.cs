using System.Text.Json;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>The content of bundles for people and for programs.</summary>
internal static class BundleText
{
    private const string None = "-";
    private static readonly string[] Heads = ["NAME", "KIND", "SIZE", "PLATFORMS", "DIGEST"];

    /// <summary>One row per name.</summary>
    public static string WriteTable(IReadOnlyList<ContentSummary> content) => TextTable.Write(Heads, content.Select(Row));

    /// <summary>Each name, and below it where the wish for it came from.</summary>
    public static string WriteReasons(IReadOnlyList<ContentSummary> content) => string.Concat(content.Select(entry =>
        $"{TextTable.Printable(entry.Name ?? None)}\n{string.Concat(entry.Why.Select(why => $"  {TextTable.Printable(why)}\n"))}"));

    /// <summary>What a bundle holds, in one line.</summary>
    public static string Summarize(BundleLock content)
    {
        var kinds = content.Content.GroupBy(entry => entry.Kind).OrderBy(kind => kind.Key)
            .Select(kind => Count(kind.Count(), kind.Key.ToString().ToLowerInvariant()));
        var text = $"{string.Join(", ", kinds)}; {Count(content.Blobs.Count, "blob")}, {ByteText.Of(content.Blobs.Values.Sum())}";
        return content.LeftOut.Count == 0 ? text
            : $"{text}; {Count(content.LeftOut.Count, "blob")}, {ByteText.Of(content.LeftOut.Values.Sum())}, left to the older bundle";
    }

    /// <summary>Writes the content as a list of objects.</summary>
    public static void WriteContent(Utf8JsonWriter json, IReadOnlyList<ContentSummary> content)
    {
        json.WriteStartArray("content");
        foreach (var entry in content)
            Write(json, entry);
        json.WriteEndArray();
    }

    public static string Count(int number, string noun) => $"{number} {noun}{(number == 1 ? "" : "s")}";

    private static string[] Row(ContentSummary entry) =>
    [
        entry.Name ?? None, entry.Kind.ToString().ToLowerInvariant(), ByteText.Of(entry.Size),
        entry.Platforms.Count == 0 ? None : string.Join(",", entry.Platforms), entry.Digest.ToString(),
    ];

    private static void Write(Utf8JsonWriter json, ContentSummary entry)
    {
        json.WriteStartObject();
        json.WriteString("name", entry.Name);
        json.WriteString("digest", entry.Digest.ToString());
        json.WriteString("upstreamDigest", (entry.Upstream is { } upstream ? upstream : (Digest?)null)?.ToString());
        json.WriteString("kind", entry.Kind.ToString().ToLowerInvariant());
        json.WriteNumber("size", entry.Size);
        json.WriteTexts("platforms", entry.Platforms);
        json.WriteTexts("why", entry.Why);
        json.WriteEndObject();
    }
}
