using System.Globalization;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>The table of all registries, for people.</summary>
internal static class StatusText
{
    public const string None = "-";

    /// <summary>Enough to see which are the same.</summary>
    private const int ReleaseDigits = 8;

    private const string PhaseHead = "PHASE";

    /// <summary>A column stays away when no registry has anything to say in it, if it is not one of those that are always there.</summary>
    private static readonly Column[] Columns =
    [
        new("CLUSTER", report => report.Cluster.ToString()),
        new("REGISTRY", report => report.Endpoint is null ? "no" : "yes"),
        new("ENDPOINT", report => report.Endpoint ?? None),
        new("CERTIFICATE UNTIL", report => DayOf(report.CertificateUntil)),
        new("ROOT", report => report.RootGeneration?.ToString(CultureInfo.InvariantCulture) ?? None),
        new("RELEASE", report => Short(report.Release)),
        new("VOLUMES", VolumesOf) { IsShown = report => report.Volumes is not null },
        new("CONTENT", ContentOf) { IsShown = report => report.Content is not null },
        new(PhaseHead, PhaseOf),
        new("PROBLEM", report => report.Problem ?? ""),
    ];

    /// <summary>One row per Cluster.</summary>
    public static string WriteTable(IReadOnlyList<ClusterStatus> reports, bool hasColors = false)
    {
        var columns = Columns.Where(column => column.IsShown is null || reports.Any(column.IsShown)).ToList();
        var phase = columns.FindIndex(column => column.Head == PhaseHead);
        return TextTable.Write(
            [.. columns.Select(column => column.Head)], reports.Select(report => columns.Select(column => column.Cell(report)).ToArray()),
            hasColors ? (row, column) => column == phase ? ColorOf(reports[row].Phase) : null : null);
    }

    /// <summary>The phase as the table, metrics and JSON call it.</summary>
    public static string PhaseOf(ClusterStatus report) => report.Phase.ToString().ToLowerInvariant();

    /// <summary>What a phase looks like on a terminal.</summary>
    public static string ColorOf(ClusterPhase phase) => phase switch
    {
        ClusterPhase.Ready => TerminalColor.Good,
        ClusterPhase.Waiting or ClusterPhase.Filling or ClusterPhase.Unreachable => TerminalColor.Attention,
        ClusterPhase.Failing or ClusterPhase.Refused or ClusterPhase.Invalid => TerminalColor.Bad,
        ClusterPhase.Gone or ClusterPhase.Off or ClusterPhase.Paused or ClusterPhase.Deleting => TerminalColor.Faint,
    };

    /// <summary>The fullest one.</summary>
    public static string VolumesOf(ClusterStatus report) => report.Volumes switch
    {
        null => None,
        [] => "no statistics",
        var volumes => $"{volumes.Max(volume => volume.Percent).ToString(CultureInfo.InvariantCulture)}%",
    };

    private static string ContentOf(ClusterStatus report) => report.Content switch
    {
        null => None,
        { Failing: 0 } content => content.Declared.ToString(CultureInfo.InvariantCulture),
        var content => $"{content.Declared}, {content.Failing} failing",
    };

    public static string DayOf(DateTimeOffset? moment) =>
        moment?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? None;

    public static string Short(string? digest) => digest is { Length: > ReleaseDigits } ? digest[..ReleaseDigits] : digest ?? None;

    private sealed record Column(string Head, Func<ClusterStatus, string> Cell)
    {
        /// <summary>Whether a registry has something to say in it; null for a column that is always there.</summary>
        public Func<ClusterStatus, bool>? IsShown { get; init; }
    }
}
