using System.Globalization;
using System.Text.Json;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Delivery.Pushing;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>What came of a push, for people and for programs.</summary>
internal static class PushText
{
    private static readonly string[] Heads = ["REGISTRY", "RESULT", "NAMES", "BLOBS SENT", "BYTES SENT", "MOUNTED", "THERE BEFORE"];
    private static readonly string[] PlanHeads = ["REGISTRY", "RESULT", "NAMES", "BLOBS TO SEND", "BYTES TO SEND", "TO MOUNT", "THERE NOW",
        "FREE"];

    /// <summary>One row for each registry.</summary>
    public static string WriteTable(IReadOnlyList<PushResult> results, bool isDryRun) =>
        TextTable.Write(isDryRun ? PlanHeads : Heads, results.Select(result => Row(result, isDryRun)));

    /// <summary>One object with a list.</summary>
    public static string WriteJson(IReadOnlyList<PushResult> results, bool isDryRun) => OutputFormat.WriteJson(json =>
    {
        json.WriteBoolean("dryRun", isDryRun);
        json.WriteStartArray("registries");
        foreach (var result in results)
            Write(json, result);
        json.WriteEndArray();
    });

    private static string[] Row(PushResult result, bool isDryRun) =>
    [
        result.Target,
        !result.IsComplete ? "failed" : isDryRun ? "planned" : "complete",
        Number(result.Report?.Copied.Count),
        Number(result.Report?.BlobsSent),
        result.Report is { } report ? ByteText.Of(report.BytesSent) : "-",
        Number(result.Report?.BlobsMounted),
        Number(result.Report?.BlobsSkipped),
        .. isDryRun ? [result.FreeSpace is { } free ? ByteText.Of(free) : "-"] : Array.Empty<string>(),
    ];

    private static string Number(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "-";

    private static void Write(Utf8JsonWriter json, PushResult result)
    {
        json.WriteStartObject();
        json.WriteString("registry", result.Target);
        json.WriteBoolean("complete", result.IsComplete);
        json.WriteNumber("bytesSent", result.Report?.BytesSent ?? 0);
        json.WriteNumber("blobsSent", result.Report?.BlobsSent ?? 0);
        json.WriteNumber("blobsMounted", result.Report?.BlobsMounted ?? 0);
        json.WriteNumber("blobsSkipped", result.Report?.BlobsSkipped ?? 0);
        json.WriteNumber("manifestsSent", result.Report?.ManifestsSent ?? 0);
        if (result.FreeSpace is { } free)
            json.WriteNumber("freeBytes", free);
        json.WriteTexts("copied", result.Report?.Copied ?? []);
        json.WriteTexts("failures", result.Failures);
        json.WriteEndObject();
    }
}
