using System.Text.Json.Nodes;
using CapiRegistryHook.Cli.Commands;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Unit.Tests.Cli.Commands;

/// <summary>How the report looks to people and to programs.</summary>
public sealed class StatusTextTests
{
    private static readonly ClusterStatus[] Reports =
    [
        new(new ClusterKey("team-a", "c1"), ClusterPhase.Ready)
        {
            Endpoint = "10.96.0.20:443",
            CertificateUntil = new DateTimeOffset(2027, 5, 6, 7, 8, 9, TimeSpan.Zero),
            RootGeneration = 2,
            Release = "0123456789abcdef",
            Volumes = [new("registry-0", 1000, 799, 0, 0), new("registry-1", 1000, 10, 100, 95)],
            VolumesReadAt = new DateTimeOffset(2027, 1, 2, 3, 4, 5, TimeSpan.Zero),
        },
        new(new ClusterKey("team-b", "a-longer-name"), ClusterPhase.Invalid) { Problem = "The variable is wrong." },
        new(new ClusterKey("team-b", "on-s3"), ClusterPhase.Off) { Volumes = [] },
    ];

    [Fact]
    public void WriteTable_AnyReports_AlignsColumns() => Assert.Equal(
        """
        CLUSTER               REGISTRY  ENDPOINT        CERTIFICATE UNTIL  ROOT  RELEASE   VOLUMES        PHASE    PROBLEM
        team-a/c1             yes       10.96.0.20:443  2027-05-06         2     01234567  95%            ready
        team-b/a-longer-name  no        -               -                  -     -         -              invalid  The variable is wrong.
        team-b/on-s3          no        -               -                  -     -         no statistics  off

        """,
        StatusText.WriteTable(Reports));

    /// <summary>A column of which no registry has anything to say is noise.</summary>
    [Fact]
    public void WriteTable_ContentIsDeclared_TellsHowMuchAndWhatFails()
    {
        var table = StatusText.WriteTable(
        [
            new(new ClusterKey("team-a", "c1"), ClusterPhase.Ready) { Content = new ContentReport(2, 0) },
            new(new ClusterKey("team-a", "c2"), ClusterPhase.Ready) { Content = new ContentReport(3, 1) },
            new(new ClusterKey("team-a", "c3"), ClusterPhase.Off),
        ]);

        Assert.Matches(@"CONTENT +PHASE", table);
        Assert.Matches(@"team-a/c1 .* 2 +ready", table);
        Assert.Matches(@"team-a/c2 .* 3, 1 failing +ready", table);
        Assert.Matches(@"team-a/c3 .* - +off", table);
    }

    [Fact]
    public void WriteTable_NoVolumesKnown_HasNoColumnForThem() => Assert.Equal(
        "CLUSTER               REGISTRY  ENDPOINT  CERTIFICATE UNTIL  ROOT  RELEASE  PHASE    PROBLEM\n"
            + "team-b/a-longer-name  no        -         -                  -     -        invalid  The variable is wrong.\n",
        StatusText.WriteTable([Reports[1]]));

    [Fact]
    public void WriteTable_OnATerminal_ColoursThePhaseAndKeepsTheColumns()
    {
        var lines = StatusText.WriteTable(Reports, hasColors: true).Split('\n');

        Assert.Contains("  95%            \u001b[32mready  \u001b[0m", lines[1], StringComparison.Ordinal);
        Assert.Contains("\u001b[31minvalid\u001b[0m  The variable", lines[2], StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', lines[0]);
    }

    /// <summary>A condition may have been edited by anybody who may write Clusters.</summary>
    [Fact]
    public void WriteTable_HostileProblem_IsNoCommandToTheTerminal() => Assert.DoesNotContain(
        '\u001b', StatusText.WriteTable([Reports[1] with { Problem = "\u001b[2Jx\u009b" }]));

    [Fact]
    public void Write_NoClusters_IsAHeadAndAnEmptyList()
    {
        Assert.StartsWith("CLUSTER", StatusText.WriteTable([]), StringComparison.Ordinal);
        Assert.Empty(JsonNode.Parse(StatusJson.Write([]))!["clusters"]!.AsArray());
    }
}
