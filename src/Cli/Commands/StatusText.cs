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

    private static readonly string[] Heads = ["CLUSTER", "REGISTRY", "ENDPOINT", "CERTIFICATE UNTIL", "ROOT", "RELEASE", "VOLUMES", "PHASE",
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
        VolumesOf(report),
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
        WriteVolumes(json, report);
        json.WriteString("phase", PhaseOf(report));
        json.WriteString("problem", report.Problem);
        json.WriteEndObject();
    }

    /// <summary>The fullest one.</summary>
    private static string VolumesOf(ClusterStatus report) => report.Volumes switch
    {
        null => None,
        [] => "no statistics",
        var volumes => $"{volumes.Max(volume => volume.Percent).ToString(CultureInfo.InvariantCulture)}%",
    };

    private static void WriteVolumes(Utf8JsonWriter json, ClusterStatus report)
    {
        json.WriteString(
            "volumesReadAt", report.VolumesReadAt?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        json.WritePropertyName("volumes");
        if (report.Volumes is not { } volumes)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartArray();
        foreach (var volume in volumes)
        {
            json.WriteStartObject();
            json.WriteString("pod", volume.Pod);
            json.WriteNumber("capacityBytes", volume.Capacity);
            json.WriteNumber("usedBytes", volume.Used);
            json.WriteNumber("inodes", volume.Inodes);
            json.WriteNumber("inodesUsed", volume.InodesUsed);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string PhaseOf(ClusterStatus report) => report.Phase.ToString().ToLowerInvariant();
}
