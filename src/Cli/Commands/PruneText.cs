using System.Globalization;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Delivery.Pruning;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>What <c>prune</c> prints.</summary>
internal static class PruneText
{
    private static readonly string[] Heads = ["REPOSITORY", "TAGS", "DIGEST", "SIZE"];

    /// <summary>What was removed from one registry, or would be.</summary>
    public static string WriteText(PruneReport report, PruneOptions options)
    {
        var table = report.Removed.Count == 0 ? "" : TextTable.Write(Heads, report.Removed.Select(content => new[]
        {
            content.Repository, string.Join(",", content.Tags), content.Digest.ToString(), ByteText.Of(content.Size),
        }));
        var kept = string.Join(", ", report.Kept.OrderBy(pair => pair.Key).Select(pair => $"{Number(pair.Value)} by {Word(pair.Key)}"));
        var stays = report.Kept.Count == 0 ? "nothing stays" : $"{Number(report.Kept.Values.Sum())} stay ({kept})";
        return table + $"{report.Target}: {Ending(report, options)}; {stays}\n";
    }

    private static string Ending(PruneReport report, PruneOptions options) => (report, options) switch
    {
        ({ Removed.Count: 0, IsCollected: false }, _) => "nothing to remove",
        (_, { IsDryRun: true }) =>
            $"{Number(report.Removed.Count)} would go, up to {ByteText.Of(report.Bytes)} on each replica; run it with --yes",
        ({ IsCollected: true }, _) => $"{Number(report.Removed.Count)} removed, {ByteText.Of(report.FreedBytes)} freed on all replicas",
        _ => $"{Number(report.Removed.Count)} removed; the next garbage collection frees up to {ByteText.Of(report.Bytes)} on each replica",
    };

    /// <summary>What was removed from all registries, or would be.</summary>
    public static string WriteJson(List<PruneReport> reports, PruneOptions options) => OutputFormat.WriteJson(json =>
    {
        json.WriteBoolean("dryRun", options.IsDryRun);
        json.WriteStartArray("registries");
        foreach (var report in reports)
        {
            json.WriteStartObject();
            json.WriteString("registry", report.Target);
            json.WriteStartArray("removed");
            foreach (var content in report.Removed)
            {
                json.WriteStartObject();
                json.WriteString("repository", content.Repository);
                json.WriteTexts("tags", content.Tags);
                json.WriteString("digest", content.Digest.ToString());
                json.WriteNumber("size", content.Size);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("kept");
            foreach (var (reason, count) in report.Kept.OrderBy(pair => pair.Key))
                json.WriteNumber(Word(reason), count);
            json.WriteEndObject();
            json.WriteNumber("unneededBytes", report.Bytes);
            json.WriteBoolean("collected", report.IsCollected);
            json.WriteNumber("freedBytes", report.FreedBytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static string Word(KeepReason reason) => reason switch
    {
        KeepReason.Lock => "lock",
        KeepReason.Workload => "workload",
        KeepReason.Rule => "rule",
    };

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
