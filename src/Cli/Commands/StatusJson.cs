using System.Globalization;
using System.Text.Json;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>The report for programs. docs/status.schema.json describes it; a field that changes its meaning gets another version.</summary>
internal static class StatusJson
{
    private const int SchemaVersion = 1;

    /// <summary>All registries: one object with a list; what is not known is null.</summary>
    public static string Write(IReadOnlyList<ClusterStatus> reports) => OutputFormat.WriteJson(json =>
    {
        json.WriteNumber("schemaVersion", SchemaVersion);
        json.WriteStartArray("clusters");
        foreach (var report in reports)
        {
            json.WriteStartObject();
            WriteSummary(json, report);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>One registry in depth.</summary>
    public static string Write(ClusterStatusDetail detail) => OutputFormat.WriteJson(json =>
    {
        json.WriteNumber("schemaVersion", SchemaVersion);
        json.WriteStartObject("cluster");
        WriteSummary(json, detail.Summary);
        json.WriteTexts("pullAddresses", detail.PullAddresses);
        json.WriteTexts("primaryAddresses", detail.PrimaryAddresses);
        json.WriteTexts("names", detail.Names);
        WriteCertificate(json, detail.Certificate);
        WriteRoots(json, detail.TrustedRoots);
        WriteChart(json, detail.Release);
        WriteEvents(json, detail.Events);
        json.WriteEndObject();
    });

    private static void WriteSummary(Utf8JsonWriter json, ClusterStatus report)
    {
        json.WriteString("namespace", report.Cluster.Namespace);
        json.WriteString("name", report.Cluster.Name);
        json.WriteBoolean("registry", report.Endpoint is not null);
        json.WriteString("endpoint", report.Endpoint);
        WriteNumber(json, "replicas", report.Replicas);
        WriteMoment(json, "certificateUntil", report.CertificateUntil);
        WriteNumber(json, "rootGeneration", report.RootGeneration);
        json.WriteString("release", report.Release);
        WriteVolumes(json, report);
        WriteContent(json, report);
        json.WriteString("phase", StatusText.PhaseOf(report));
        json.WriteString("problem", report.Problem);
        json.WritePropertyName("condition");
        if (report.Condition is { } condition)
            WriteCondition(json, condition);
        else
            json.WriteNullValue();
    }

    private static void WriteContent(Utf8JsonWriter json, ClusterStatus report)
    {
        json.WritePropertyName("content");
        if (report.Content is not { } content)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteNumber("declared", content.Declared);
        json.WriteNumber("failing", content.Failing);
        json.WriteEndObject();
    }

    private static void WriteVolumes(Utf8JsonWriter json, ClusterStatus report)
    {
        WriteMoment(json, "volumesReadAt", report.VolumesReadAt);
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

    private static void WriteCondition(Utf8JsonWriter json, ConditionReport condition)
    {
        json.WriteStartObject();
        json.WriteString("type", condition.Type);
        json.WriteString("status", condition.Status);
        json.WriteString("reason", condition.Reason);
        json.WriteString("message", condition.Message);
        WriteMoment(json, "since", condition.Since);
        json.WriteEndObject();
    }

    private static void WriteCertificate(Utf8JsonWriter json, CertificateReport? certificate)
    {
        if (certificate is null)
        {
            json.WriteNull("certificate");
            return;
        }

        json.WriteStartObject("certificate");
        json.WriteString("serial", certificate.Serial);
        WriteNumber(json, "rootGeneration", certificate.RootGeneration);
        WriteMoment(json, "notBefore", certificate.NotBefore);
        WriteMoment(json, "notAfter", certificate.NotAfter);
        WriteMoment(json, "renewAt", certificate.RenewAt);
        json.WriteBoolean("isServed", certificate.IsServed);
        json.WriteEndObject();
    }

    private static void WriteRoots(Utf8JsonWriter json, IReadOnlyList<TrustedRootReport> roots)
    {
        json.WriteStartArray("trustedRoots");
        foreach (var root in roots)
        {
            json.WriteStartObject();
            json.WriteString("sha256", root.Thumbprint);
            WriteNumber(json, "generation", root.Generation);
            WriteMoment(json, "notAfter", root.NotAfter);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteChart(Utf8JsonWriter json, ReleaseStatus? release)
    {
        if (release is null)
        {
            json.WriteNull("chart");
            return;
        }

        json.WriteStartObject("chart");
        json.WriteString("name", release.Chart);
        json.WriteString("version", release.Version);
        WriteMoment(json, "writtenAt", release.Since);
        json.WriteBoolean("isServed", release.IsServed);
        json.WriteString("helmStatus", release.HelmStatus);
        WriteNumber(json, "helmRevision", release.HelmRevision);
        json.WriteStartArray("conditions");
        foreach (var condition in release.Conditions)
            WriteCondition(json, condition);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteEvents(Utf8JsonWriter json, IReadOnlyList<EventReport> events)
    {
        json.WriteStartArray("events");
        foreach (var item in events)
        {
            json.WriteStartObject();
            WriteMoment(json, "at", item.At);
            json.WriteString("type", item.IsWarning ? "Warning" : "Normal");
            json.WriteString("reason", item.Reason);
            json.WriteString("note", item.Note);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, long? number)
    {
        json.WritePropertyName(name);
        if (number is { } value)
            json.WriteNumberValue(value);
        else
            json.WriteNullValue();
    }

    private static void WriteMoment(Utf8JsonWriter json, string name, DateTimeOffset? moment) =>
        json.WriteString(name, moment?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
}
