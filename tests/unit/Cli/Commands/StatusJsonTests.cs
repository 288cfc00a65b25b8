using System.Text.Json.Nodes;
using CapiRegistryHook.Cli.Commands;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Unit.Tests.Cli.Commands;

/// <summary>The report in depth, for people and for programs, and the schema that programs rely on.</summary>
public sealed class StatusJsonTests
{
    private static readonly DateTimeOffset Moment = new(2027, 5, 6, 7, 8, 9, TimeSpan.Zero);

    private static readonly ClusterStatus Known = new(new ClusterKey("team-a", "c1"), ClusterPhase.Failing)
    {
        Endpoint = "10.96.0.20:443",
        CertificateUntil = Moment,
        RootGeneration = 2,
        Release = "0123456789abcdef",
        Replicas = 2,
        Volumes = [new("registry-0", 1000, 799, 0, 0)],
        VolumesReadAt = Moment,
        Problem = "The Helm release fails: no.",
        Condition = new ConditionReport(
            "capi-registry-hook.io/RegistryReady", "False", "ReleaseFailed", "The Helm release fails: no.", Moment),
    };

    private static readonly ClusterStatusDetail Detail = new(Known)
    {
        PullAddresses = ["10.96.0.20"],
        PrimaryAddresses = ["10.96.0.21"],
        Names = ["registry.registry-system.svc", "10.96.0.20"],
        Certificate = new CertificateReport(
            "0a1b", "9a25c680aa11bb22", 2, Moment.AddYears(-2), Moment, Moment.AddDays(-240), IsServed: true),
        TrustedRoots = [new TrustedRootReport(new string('a', 64), 1, Moment), new TrustedRootReport(new string('b', 64), null, Moment)],
        Release = new ReleaseStatus("oci://capi-registry-hook.capi-registry-hook-system.svc:443/charts/registry", "1.2.3")
        {
            Revision = "0123456789abcdef",
            Since = Moment,
            HelmStatus = "failed",
            HelmRevision = 3,
            Conditions = [new ConditionReport("HelmReleaseReady", "False", "HelmInstallOrUpgradeFailed", "no.", null)],
        },
        Events = [new EventReport(Moment, true, "ReleaseFailed", "The Helm release fails: no.")],
    };

    public static TheoryData<string> Answers =>
    [
        StatusJson.Write([]), StatusJson.Write([Known, new ClusterStatus(new ClusterKey("team-a", "c2"), ClusterPhase.Off)]),
        StatusJson.Write(Detail),
        StatusJson.Write(new ClusterStatusDetail(new ClusterStatus(new ClusterKey("a", "b"), ClusterPhase.Paused))),
    ];

    [Theory]
    [MemberData(nameof(Answers))]
    public void Write_AnyReport_FollowsTheSchema(string answer) => Assert.Empty(Violations(JsonNode.Parse(answer)!));

    /// <summary>The check itself finds a field too many, one too few, and one of another type.</summary>
    [Fact]
    public void Schema_OtherAnswers_AreNotAccepted()
    {
        foreach (var spoil in new Action<JsonObject>[]
        {
            cluster => cluster["extra"] = 1, cluster => cluster.Remove("phase"), cluster => cluster["problem"] = 5,
            cluster => cluster["phase"] = "unknown", cluster => cluster["condition"]!["since"] = "yesterday",
        })
        {
            var answer = JsonNode.Parse(StatusJson.Write(Detail))!;
            spoil(answer["cluster"]!.AsObject());
            Assert.NotEmpty(Violations(answer));
        }
    }

    [Fact]
    public void Schema_Phases_AreThoseThereAre()
    {
        var phases = Schema()["definitions"]!["summary"]!["properties"]!["phase"]!["enum"]!.AsArray().Select(phase => (string)phase!);

        Assert.Equal(
            Enum.GetValues<ClusterPhase>().Where(phase => phase != ClusterPhase.Gone)
                .Select(phase => phase.ToString().ToLowerInvariant()).Order(),
            phases.Order());
    }

    [Fact]
    public void WriteText_Detail_SaysAllOfIt() => Assert.Equal(
        """
        Cluster:        team-a/c1
        Phase:          failing
        Problem:        The Helm release fails: no.
        Condition:      False ReleaseFailed, since 2027-05-06T07:08:09Z: The Helm release fails: no.
        Pull:           10.96.0.20
        Push:           10.96.0.21
        Replicas:       2
        Volumes:        registry-0 79%
        Certificate:    0a1b, from root 2
          valid:        2025-05-06T07:08:09Z to 2027-05-06T07:08:09Z
          renewed:      2026-09-08T07:08:09Z
          served:       by all replicas
        Trusted roots:  1, until 2027-05-06, SHA-256 aaaaaaaaaaaaaaaa
                        of another generation, until 2027-05-06, SHA-256 bbbbbbbbbbbbbbbb
        Release:        oci://capi-registry-hook.capi-registry-hook-system.svc:443/charts/registry 1.2.3
          revision:     01234567, since 2027-05-06T07:08:09Z
          served:       not by all replicas yet
          Helm:         failed, revision 3
          condition:    HelmReleaseReady False HelmInstallOrUpgradeFailed: no.
        Names:          registry.registry-system.svc
                        10.96.0.20
        Events:         2027-05-06T07:08:09Z Warning ReleaseFailed: The Helm release fails: no.

        """,
        StatusDetailText.Write(Detail, hasColors: false));

    [Fact]
    public void WriteText_NothingKnown_SaysWhatThereIs() => Assert.Equal(
        "Cluster:        a/b\nPhase:          off\n",
        StatusDetailText.Write(
            new ClusterStatusDetail(new ClusterStatus(new ClusterKey("a", "b"), ClusterPhase.Off)), hasColors: false));

    private static JsonObject Schema() =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(RepositoryRoot.Find(), "docs", "status.schema.json")))!.AsObject();

    private static IReadOnlyList<SchemaViolation> Violations(JsonNode answer)
    {
        var schema = Schema();
        var check = new SchemaCheck(schema);
        check.Run(schema, answer, "");
        return check.Violations;
    }
}
