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

    [Fact]
    public void WriteJson_AnyReports_SaysTheSame()
    {
        var clusters = JsonNode.Parse(StatusText.WriteJson(Reports))!["clusters"]!.AsArray();

        Assert.Equal(
            """{"namespace":"team-a","name":"c1","registry":true,"endpoint":"10.96.0.20:443","certificateUntil":"2027-05-06T07:08:09Z","rootGeneration":2,"release":"0123456789abcdef","volumesReadAt":"2027-01-02T03:04:05Z","volumes":[{"pod":"registry-0","capacityBytes":1000,"usedBytes":799,"inodes":0,"inodesUsed":0},{"pod":"registry-1","capacityBytes":1000,"usedBytes":10,"inodes":100,"inodesUsed":95}],"phase":"ready","problem":null}""",
            clusters[0]!.ToJsonString());
        Assert.Equal(
            """{"namespace":"team-b","name":"a-longer-name","registry":false,"endpoint":null,"certificateUntil":null,"rootGeneration":null,"release":null,"volumesReadAt":null,"volumes":null,"phase":"invalid","problem":"The variable is wrong."}""",
            clusters[1]!.ToJsonString());
    }

    [Fact]
    public void Write_NoClusters_IsAHeadAndAnEmptyList()
    {
        Assert.StartsWith("CLUSTER", StatusText.WriteTable([]), StringComparison.Ordinal);
        Assert.Empty(JsonNode.Parse(StatusText.WriteJson([]))!["clusters"]!.AsArray());
    }
}
