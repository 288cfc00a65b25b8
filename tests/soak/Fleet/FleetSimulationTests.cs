using System.Globalization;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>
/// Twelve years of 500 clusters: renewals, rotations of the root, upgrades that come late, nodes that stay for years, clusters that are
/// away
/// for months, calls that are lost before or after they are done, and replicas that die between two writes. At the end of every day every
/// node
/// accepts what every pod of its registry serves, also after a pod that started for no reason.
/// </summary>
public sealed class FleetSimulationTests(ITestOutputHelper output)
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 6, 0, 0, TimeSpan.Zero);

    /// <summary>Without faults, so many days are enough for all that is due: a resync, and what follows from it.</summary>
    private const int QuietDays = 200;

    /// <summary>In the second year; the others come by themselves, when half of a root's life is over.</summary>
    private const int RequestedRotation = 500;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Years_WithEverythingThatGoesWrong_NeverServeWhatANodeRefuses()
    {
        var seed = TestSeed.From("FLEET_SEED");
        var days = Setting("YEARS", 12) * 365;
        var size = Setting("CLUSTERS", 500);
        output.WriteLine($"seed {seed} (FLEET_SEED=random, FLEET_YEARS and FLEET_CLUSTERS vary the run)");
        using var fleet = new SimulatedFleet(seed, Start);
        try
        {
            for (var day = 0; day < days; day++)
            {
                while (fleet.Clusters.Count < size && fleet.Clusters.Count * 60 <= size * day)
                    await fleet.AddClusterAsync(CancellationToken);
                if (day == RequestedRotation)
                    await fleet.AskForRotationAsync("an audit", CancellationToken);
                await fleet.LiveAsync(CancellationToken);
            }

            fleet.Chaos.IsOver = true;
            for (var day = 0; day < QuietDays; day++)
                await fleet.LiveAsync(CancellationToken);
        }
        finally
        {
            output.WriteLine($"until {fleet.Time.GetUtcNow():yyyy-MM-dd}: {fleet.Counts}");
            output.WriteLine(
                $"{fleet.Keys.Certificates} certificates, {fleet.Chaos.Calls} calls, {fleet.Chaos.Faults} faults, "
                    + $"{fleet.Chaos.Deaths} deaths between two writes");
        }

        await fleet.AssertAllReadyAsync(CancellationToken);
        Assert.True(fleet.Counts.Generation >= (days > RequestedRotation + 365 ? 2 : 1) + (days > 9 * 365 ? 1 : 0),
            $"Only {fleet.Counts.Generation} roots.");
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable($"FLEET_{name}"), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value : otherwise;
}
