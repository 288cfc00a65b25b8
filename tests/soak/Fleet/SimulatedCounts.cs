using System.Globalization;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>What happened in the years of a simulation.</summary>
internal sealed class SimulatedCounts
{
    /// <summary>How many clusters there have been.</summary>
    public long Clusters { get; set; }

    public long Deletions { get; set; }

    public long Moves { get; set; }

    public long Reconciles { get; set; }

    public long Unfinished { get; set; }

    public long Upgrades { get; set; }

    public long Nodes { get; set; }

    public long Absences { get; set; }

    public long LeaderChanges { get; set; }

    /// <summary>How many roots there have been, as the last report says.</summary>
    public int Generation { get; private set; } = 1;

    /// <summary>Days on which a rotation was under way.</summary>
    public long RotationDays { get; private set; }

    public void Note(RotationReport report)
    {
        Generation = Math.Max(Generation, report.Generation);
        if (report.Phase != RotationPhase.None)
            RotationDays++;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Clusters} clusters ({Deletions} deleted, {Moves} moved), {Reconciles} reconciles ({Unfinished} unfinished), "
            + $"{Upgrades} upgrades, {Nodes} nodes, {Absences} absences, {LeaderChanges} changes of the leader, "
            + $"{Generation} roots ({RotationDays} days with two that sign)");
}
