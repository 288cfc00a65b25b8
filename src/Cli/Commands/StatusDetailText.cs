using System.Globalization;
using System.Text;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>One registry in depth, for people.</summary>
internal static class StatusDetailText
{
    private const int LabelWidth = 15;
    private const int ThumbprintDigits = 16;

    public static string Write(ClusterStatusDetail detail, bool hasColors)
    {
        var text = new StringBuilder();
        var summary = detail.Summary;
        text.Field("Cluster", summary.Cluster.ToString());
        var phase = StatusText.PhaseOf(summary);
        text.Field("Phase", hasColors ? TerminalColor.Paint(phase, StatusText.ColorOf(summary.Phase)) : phase, isOurs: true);
        text.Field("Problem", summary.Problem);
        text.Field("Condition", summary.Condition is { } condition ? Describe(condition) : null);
        text.Field("Pull", string.Join(", ", detail.PullAddresses));
        text.Field("Push", string.Join(", ", detail.PrimaryAddresses));
        text.Field("Replicas", summary.Replicas?.ToString(CultureInfo.InvariantCulture));
        text.Field("Volumes", summary.Volumes is { } volumes
            ? string.Join(", ", volumes.Select(volume => $"{volume.Pod} {volume.Percent}%")) is { Length: > 0 } all ? all : "no statistics"
            : null);
        WriteCertificate(text, detail);
        WriteRelease(text, detail.Release);
        WriteList(text, "Names", detail.Names);
        WriteList(text, "Events", detail.Events.Select(
            item => $"{Moment(item.At)} {(item.IsWarning ? "Warning" : "Normal")} {item.Reason}: {item.Note}"));
        return text.ToString();
    }

    private static void WriteCertificate(StringBuilder text, ClusterStatusDetail detail)
    {
        if (detail.Certificate is { } certificate)
        {
            text.Field("Certificate", $"{certificate.Serial}, from root {Number(certificate.RootGeneration)}");
            text.Field("  valid", $"{Moment(certificate.NotBefore)} to {Moment(certificate.NotAfter)}");
            text.Field("  renewed", $"{Moment(certificate.RenewAt)}");
            text.Field("  served", certificate.IsServed ? "by all replicas" : "not by all replicas yet");
        }

        WriteList(text, "Trusted roots", detail.TrustedRoots.Select(
            root => $"{Number(root.Generation)}, until {StatusText.DayOf(root.NotAfter)}, SHA-256 {root.Thumbprint[..ThumbprintDigits]}"));
    }

    private static void WriteRelease(StringBuilder text, ReleaseStatus? release)
    {
        if (release is null)
            return;
        text.Field("Release", $"{release.Chart} {release.Version}".TrimEnd());
        text.Field("  revision", release.Since is { } since ? $"{StatusText.Short(release.Revision)}, since {Moment(since)}" : null);
        text.Field("  served", release.IsServed ? "by all replicas" : "not by all replicas yet");
        text.Field("  Helm", release.HelmStatus is { } word ? $"{word}, revision {release.HelmRevision}" : null);
        foreach (var condition in release.Conditions)
            text.Field("  condition", $"{condition.Type} {Describe(condition)}");
    }

    private static string Describe(ConditionReport condition)
    {
        var since = condition.Since is { } moment ? $", since {Moment(moment)}" : "";
        return $"{condition.Status} {condition.Reason}{since}{(condition.Message.Length > 0 ? $": {condition.Message}" : "")}";
    }

    private static void WriteList(StringBuilder text, string label, IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            text.Field(label, line);
            label = "";
        }
    }

    /// <summary>A line with a label; none where there is nothing to say.</summary>
    private static void Field(this StringBuilder text, string label, string? value, bool isOurs = false)
    {
        if (string.IsNullOrEmpty(value))
            return;
        text.Append((label.Length > 0 ? label + ":" : "").PadRight(LabelWidth)).Append(' ')
            .Append(isOurs ? value : TextTable.Printable(value)).Append('\n');
    }

    private static string Number(int? generation) => generation?.ToString(CultureInfo.InvariantCulture) ?? "of another generation";

    private static string Moment(DateTimeOffset moment) =>
        moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
