using System.Text.RegularExpressions;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.EndToEnd.Tests.Upgrades;

/// <summary>
/// From each version before to this one, and back again. The earlier program is not run: its objects are put there as it left them, and it
/// finds its way back because this version keeps every annotation, key and name that it reads.
/// </summary>
[Collection(OnApiServers.Name)]
public sealed partial class UpgradeTests(RealEnvironment fixture)
{
    private static readonly string Current = ServiceVersion.Text;

    public static TheoryData<string> Versions => [.. ReleaseFixture.Versions];

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task EarlierVersion_UpgradedAndBack_KeepsEverythingButTheChart(string version)
    {
        await using var world = new UpgradeWorld(await fixture.EmptyAsync(CancellationToken));
        await world.CreateClustersAsync();
        await world.InstallAsync(version);
        var earlier = ReleaseFixture.Fill(ReleaseFixture.Read(version, "objects.json"), await world.ReadAsync());
        await world.ReplaceAsync(earlier);

        await ChangeChartAsync(world, Current, earlier);
        await ChangeChartAsync(world, version, earlier);
    }

    /// <summary>
    /// Rolling back is safe while this version writes all that the earlier ones read. With <c>RECORD_RELEASE=VERSION</c> it writes the
    /// fixture of that version first, which is what this one writes.
    /// </summary>
    [Fact]
    public async Task ThisVersion_Installed_HasAllThatEarlierOnesRead()
    {
        var recorded = Environment.GetEnvironmentVariable("RECORD_RELEASE");
        var today = await InstallAsync(recorded ?? Current);
        if (recorded is not null)
        {
            ReleaseFixture.Write(recorded, "objects.json", ReleaseFixture.Compare(today, await InstallAsync(recorded)));
            ReleaseFixture.Write(recorded, "patches.json", ReleaseFixture.Patches());
        }

        Assert.NotEmpty(ReleaseFixture.Versions);
        Assert.Empty(
            from version in ReleaseFixture.Versions
            from place in ReleaseFixture.Read(version, "objects.json").Keys
            where !today.ContainsKey(place)
            select $"{version} reads {place}, which is not written any more.");
    }

    /// <summary>The golden patches of a release are those of every later one: another byte would replace nodes.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public void Patches_OfEarlierVersion_AreUnchanged(string version)
    {
        var today = ReleaseFixture.Patches();
        Assert.All(ReleaseFixture.Read(version, "patches.json"), file => Assert.Equal((file.Key, file.Value),
            (file.Key, today.GetValueOrDefault(file.Key))));
    }

    private async Task<SortedDictionary<string, string>> InstallAsync(string chartVersion)
    {
        await using var world = new UpgradeWorld(await fixture.EmptyAsync(CancellationToken));
        await world.CreateClustersAsync();
        await world.InstallAsync(chartVersion);
        return await world.ReadAsync();
    }

    private static async Task ChangeChartAsync(UpgradeWorld world, string chartVersion, SortedDictionary<string, string> earlier)
    {
        await using var service = await world.StartAsync("--chart-version", chartVersion);
        var most = await world.UntilServedAsync(service, releases =>
            releases.All(release => (string?)release["spec"]!["version"] == chartVersion));
        await AssertHooksSucceedAsync(service, world);
        var now = await world.ReadAsync();

        Assert.InRange(most, 1, UpgradeWorld.Concurrency);
        var differences = string.Join("\n", Differences(earlier, now));
        Assert.True(differences.Length == 0, differences + service.Log);
    }

    /// <summary>None of them has anything to do.</summary>
    private static async Task AssertHooksSucceedAsync(HookService service, UpgradeWorld world)
    {
        using var capi = service.CreateClusterApi();
        foreach (var cluster in world.Clusters)
            await AssertSuccessAsync(capi, "AfterControlPlaneInitialized", cluster);

        // The certificate has been renewed for this version of Kubernetes already.
        await AssertSuccessAsync(capi, "BeforeClusterUpgrade", world.Clusters[0]);
        foreach (var hook in new[] { "DiscoverVariables", "GeneratePatches", "ValidateTopology" })
        {
            var answer = await capi.PostAsync(RecordedHookRequest.Load("1.13.4", hook), CancellationToken);
            Assert.True(answer.Status == "Success", answer.Text);
        }
    }

    private static async Task AssertSuccessAsync(ClusterApi capi, string hook, TestCluster cluster)
    {
        var answer = await capi.CallAsync("1.13.4", hook, cluster, CancellationToken);
        Assert.True(answer.Status == "Success" && answer.RetryAfterSeconds is null or 0, answer.Text);
    }

    /// <summary>What is not as the earlier version left it, besides the chart that the registries have.</summary>
    private static IEnumerable<string> Differences(
        SortedDictionary<string, string> earlier, SortedDictionary<string, string> now) =>
        from entry in earlier
        let text = now.GetValueOrDefault(entry.Key)
        where !Rolled().IsMatch(entry.Key) && (text is null || !Holds(text, entry.Value))
        select $"{entry.Key} was {entry.Value} and is {text ?? "gone"}";

    /// <summary>
    /// Whether a text says all that another one says. At its turn a registry may get further values: its volumes are written down, so that
    /// the defaults of another chart do not change them.
    /// </summary>
    private static bool Holds(string text, string earlier)
    {
        var lines = new Queue<string>(Revision().Replace(earlier, "").Split('\n'));
        foreach (var line in Revision().Replace(text, "").Split('\n'))
        {
            if (lines.TryPeek(out var next) && next == line)
                lines.Dequeue();
        }

        return lines.All(line => line.Length == 0);
    }

    [GeneratedRegex(@"helmchartproxies\|[^|]+\|(spec\|version|metadata\|annotations\|capi-registry-hook\.io/release-(revision|served|since))$")]
    private static partial Regex Rolled();

    /// <summary>In the values, so that the pods follow a rollout.</summary>
    [GeneratedRegex("release-revision: \"[0-9a-f]{16}\"")]
    private static partial Regex Revision();
}
