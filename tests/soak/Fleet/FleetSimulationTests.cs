using System.Globalization;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>
/// Twelve years of 200 clusters in ten namespaces of two management clusters: renewals, rotations of the root, one of them because its
/// key was stolen, upgrades that come late, nodes that stay for years, clusters that are deleted, moved, or away for months, calls that are
/// lost before or after they are done, and replicas that die between two writes. At the end of every day every node accepts what every pod
/// of its registry serves, also after a pod that started for no reason.
/// </summary>
/// <remarks>
/// Clusters meet in the root, in lists and in pages only. For all of these 200 are as good as thousands, which tests/benchmarks has.
/// </remarks>
public sealed class FleetSimulationTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>Without faults, so many days are enough for all that is due: a resync, and what follows from it.</summary>
    private const int QuietDays = 200;

    /// <summary>In the second year; the others come by themselves, when half of a root's life is over.</summary>
    private const int RequestedRotation = 500;

    /// <summary>Some clusters move to the other management cluster, with the requested rotation still under way in some.</summary>
    private const int Move = 510;

    /// <summary>The mark of the stolen root stays while the next, ordinary rotation runs.</summary>
    private const int StolenRoot = 1200;
    private const int RotationAfterStolenRoot = 1500;

    private static readonly DateTimeOffset Start = new(2026, 1, 1, 6, 0, 0, TimeSpan.Zero);

    private readonly int _days = Setting("YEARS", 12) * 365;
    private readonly int _size = Setting("CLUSTERS", 200);
    private SimulatedWorld _world = null!;
    private SimulatedFleet _first = null!;
    private SimulatedFleet _second = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Years_WithEverythingThatGoesWrong_NeverServeWhatANodeRefuses()
    {
        var seed = TestSeed.From("FLEET_SEED");
        output.WriteLine($"seed {seed} (FLEET_SEED=random, FLEET_YEARS and FLEET_CLUSTERS vary the run)");
        _world = new SimulatedWorld(seed, Start);
        (_first, _second) = (new SimulatedFleet(_world, "first"), new SimulatedFleet(_world, "second"));
        try
        {
            await LiveAsync();
        }
        finally
        {
            output.WriteLine($"until {_world.Time.GetUtcNow():yyyy-MM-dd}: {_world.Counts}");
            output.WriteLine(
                $"{_world.Keys.Certificates} certificates, {_world.Chaos.Calls} calls, {_world.Chaos.Faults} faults, "
                    + $"{_world.Chaos.Deaths} deaths between two writes");
        }

        await _first.AssertAllReadyAsync(CancellationToken);
        await _second.AssertAllReadyAsync(CancellationToken);
        Assert.True(_world.Counts.Generation >= Due(RequestedRotation) + Due(StolenRoot) + Due(RotationAfterStolenRoot) + Due(9 * 365) + 1,
            $"Only {_world.Counts.Generation} roots.");
        Assert.Equal(_days > Move, _second.Clusters.Count > 0);
        await using var service = await FleetService.StartAsync(_world, _first, CancellationToken);
        await service.AssertMetricsAndMemoryAsync(CancellationToken);
    }

    public void Dispose()
    {
        _first?.Dispose();
        _second?.Dispose();
    }

    private async Task LiveAsync()
    {
        for (var day = 0; day < _days; day++)
        {
            while (_first.Clusters.Count + _second.Clusters.Count < Math.Min(_size, (_size * day / 60) + 1))
                await _first.AddClusterAsync(CancellationToken);
            await PlanAsync(day);
            await LiveOneDayAsync();
        }

        _world.Chaos.IsOver = true;
        for (var day = 0; day < QuietDays; day++)
            await LiveOneDayAsync();
    }

    private async Task LiveOneDayAsync()
    {
        _world.Time.Advance(TimeSpan.FromDays(1));
        await _first.LiveAsync(CancellationToken);
        await _second.LiveAsync(CancellationToken);
    }

    private async Task PlanAsync(int day)
    {
        var moved = _first.Clusters.Where(cluster => cluster.IsPaused).ToList();
        switch (day)
        {
            case RequestedRotation:
                await _first.AskForRotationAsync("an audit", CancellationToken);
                break;
            case Move - 3:
                await _first.PauseAsync(
                    [.. _first.Clusters.Where(cluster => cluster.Key.Namespace is "team-8" or "team-9")], CancellationToken);
                break;
            case Move:
                await _second.TakeOverAsync(_first, moved, CancellationToken);
                break;
            case StolenRoot:
                await _first.BanRootAsync(CancellationToken);
                await _second.BanRootAsync(CancellationToken);
                break;
            case RotationAfterStolenRoot:
                await _first.AskForRotationAsync("another audit", CancellationToken);
                break;
        }
    }

    /// <summary>1 when this day and a year more are simulated.</summary>
    private int Due(int day) => _days > day + 365 ? 1 : 0;

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable($"FLEET_{name}"), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value : otherwise;
}
