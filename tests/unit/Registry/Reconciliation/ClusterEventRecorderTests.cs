using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>Which Events a Cluster gets over time.</summary>
public sealed class ClusterEventRecorderTests : IDisposable
{
    private readonly ReconcilerFixture _fixture = new();
    private bool _isAway;

    public ClusterEventRecorderTests() => _fixture.Workload.InjectFault(_ => _isAway ? Fault.DropBefore() : null);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Reconcile_Installed_IsRecordedOnceAlsoByAnotherReplica()
    {
        await _fixture.InstallAsync();
        await _fixture.ReconcileAsync();
        await _fixture.ReconcileAsync(_fixture.NewReplica());

        Assert.Equal(["CertificateIssued", "RegistryInstalled"], await ReasonsAsync());
    }

    /// <summary>Ten minutes of patience, then one Event in six hours.</summary>
    [Fact]
    public async Task Reconcile_Unreachable_IsRecordedAfterTenMinutesAndAgainAfterSixHours()
    {
        _isAway = true;
        await _fixture.AddClusterAsync();
        var told = new List<int>();
        for (var minute = 0; minute <= 400; minute += 10)
        {
            await _fixture.ReconcileAsync();
            told.Add((await ReasonsAsync()).Count(reason => reason == "Unreachable"));
            _fixture.Time.Advance(TimeSpan.FromMinutes(10));
        }

        Assert.Equal((0, 1, 1, 2), (told[0], told[1], told[36], told[40]));
    }

    /// <summary>A Cluster of the same name that is created later starts with a clean slate.</summary>
    [Fact]
    public async Task Forget_UnreachableCluster_StartsItsPatienceAnew()
    {
        _isAway = true;
        await _fixture.AddClusterAsync();
        await _fixture.ReconcileAsync();
        _fixture.Time.Advance(TimeSpan.FromMinutes(9));

        _fixture.Registry.Fleet.Forget(ReconcilerFixture.Key);
        await _fixture.ReconcileAsync();
        _fixture.Time.Advance(TimeSpan.FromMinutes(9));
        await _fixture.ReconcileAsync();
        Assert.Empty(await ReasonsAsync());
        _fixture.Time.Advance(TimeSpan.FromMinutes(2));
        await _fixture.ReconcileAsync();

        Assert.Equal(["Unreachable"], await ReasonsAsync());
    }

    private async Task<IEnumerable<string>> ReasonsAsync() =>
        (await _fixture.Objects.ListAsync(AdminClient.Events("team-a"), CancellationToken))
            .Select((JsonObject item) => (string)item["reason"]!).Order(StringComparer.Ordinal);
}
