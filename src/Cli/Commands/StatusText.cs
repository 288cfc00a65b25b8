using System.Globalization;
using System.Text.Json;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>The report for people and for programs.</summary>
internal static class StatusText
{
    private const string None = "-";

    /// <summary>Enough to see which are the same.</summary>
    private const int ReleaseDigits = 8;

    private static readonly string[] Heads = ["CLUSTER", "REGISTRY", "ENDPOINT", "CERTIFICATE UNTIL", "ROOT", "RELEASE", "PHASE",
        "PROBLEM"];

    /// <summary>One row per Cluster.</summary>
    public static string WriteTable(IReadOnlyList<ClusterStatus> reports) => TextTable.Write(Heads, reports.Select(Row));

    /// <summary>One object with a list; what is not known is null.</summary>
    public static string WriteJson(IReadOnlyList<ClusterStatus> reports) => OutputFormat.WriteJson(json =>
    {
        json.WriteStartArray("clusters");
        foreach (var report in reports)
            Write(json, report);
        json.WriteEndArray();
    });

    private static string[] Row(ClusterStatus report) =>
    [
        report.Cluster.ToString(),
        report.Endpoint is null ? "no" : "yes",
        report.Endpoint ?? None,
        report.CertificateUntil?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? None,
        report.RootGeneration?.ToString(CultureInfo.InvariantCulture) ?? None,
        report.Release is { Length: > ReleaseDigits } release ? release[..ReleaseDigits] : report.Release ?? None,
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
        json.WriteString("release", report.Release);
        json.WriteString("phase", PhaseOf(report));
        json.WriteString("problem", report.Problem);
        json.WriteEndObject();
    }

    private static string PhaseOf(ClusterStatus report) => report.Phase.ToString().ToLowerInvariant();
}
