using System.Globalization;
using System.Text;
using System.Text.Json;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>The report for people and for programs.</summary>
internal static class StatusText
{
    private const string None = "-";
    private static readonly string[] Heads = ["CLUSTER", "REGISTRY", "ENDPOINT", "CERTIFICATE UNTIL", "ROOT", "PHASE", "PROBLEM"];
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    /// <summary>Columns as wide as their widest cell, the last one without an end.</summary>
    public static string WriteTable(IReadOnlyList<ClusterStatus> reports)
    {
        string[][] rows = [Heads, .. reports.Select(Row)];
        var widths = Enumerable.Range(0, Heads.Length).Select(column => rows.Max(row => row[column].Length)).ToList();
        var text = new StringBuilder();
        foreach (var row in rows)
            text.Append(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd()).Append('\n');
        return text.ToString();
    }

    /// <summary>One object with a list; what is not known is null.</summary>
    public static byte[] WriteJson(IReadOnlyList<ClusterStatus> reports)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Indented))
        {
            json.WriteStartObject();
            json.WriteStartArray("clusters");
            foreach (var report in reports)
                Write(json, report);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private static string[] Row(ClusterStatus report) =>
    [
        report.Cluster.ToString(),
        report.Endpoint is null ? "no" : "yes",
        report.Endpoint ?? None,
        report.CertificateUntil?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? None,
        report.RootGeneration?.ToString(CultureInfo.InvariantCulture) ?? None,
        PhaseOf(report),
        report.Problem ?? "",
    ];

    private static void Write(Utf8JsonWriter json, ClusterStatus report)
    {
        json.WriteStartObject();
        json.WriteString("namespace", report.Cluster.Namespace);
        json.WriteString("name", report.Cluster.Name);
        json.WriteBoolean("registry", report.Endpoint is not null);
        json.WriteString("endpoint", report.Endpoint);
        json.WriteString(
            "certificateUntil", report.CertificateUntil?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        json.WritePropertyName("rootGeneration");
        if (report.RootGeneration is { } generation)
            json.WriteNumberValue(generation);
        else
            json.WriteNullValue();
        json.WriteString("phase", PhaseOf(report));
        json.WriteString("problem", report.Problem);
        json.WriteEndObject();
    }

    private static string PhaseOf(ClusterStatus report) => report.Phase.ToString().ToLowerInvariant();
}
