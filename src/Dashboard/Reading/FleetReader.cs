using CapiRegistryHook.Dashboard.Model;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Inspection;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Dashboard.Reading;

/// <summary>Reads all registries from the management cluster.</summary>
/// <param name="lifecycle">Knows how registries stand.</param>
/// <param name="inspection">Knows the roots.</param>
/// <param name="program">The version of this program.</param>
/// <param name="time">The clock.</param>
internal sealed class FleetReader(
    RegistryLifecycle lifecycle, RegistryInspection inspection, string program, TimeProvider time)
{
    /// <summary>Reads them.</summary>
    /// <exception cref="FleetStatusException">The Clusters can't be read.</exception>
    public async Task<FleetPage> ReadAsync(CancellationToken cancellationToken)
    {
        var reports = await lifecycle.Fleet.ReadStatusAsync(selector: null, cancellationToken);
        return FleetPageFactory.Create(reports, await ReadRootsAsync(cancellationToken), program, time.GetUtcNow());
    }

    /// <summary>Calls back for each change that a watch tells of, until it is cancelled.</summary>
    public Task WatchAsync(Action onChange, CancellationToken cancellationToken) => Task.WhenAll(
        lifecycle.Fleet.Places.SelectMany(place => new[]
        {
            FollowAsync(lifecycle.Fleet.WatchClustersAsync(place, cancellationToken), onChange, cancellationToken),
            FollowAsync(lifecycle.Fleet.WatchReleasesAsync(place, cancellationToken), onChange, cancellationToken),
        }));

    private static async Task FollowAsync(
        IAsyncEnumerable<FleetEvent<ClusterKey, int>> events, Action onChange, CancellationToken cancellationToken)
    {
        await foreach (var change in events.WithCancellation(cancellationToken))
        {
            if (change.Kind != FleetEventKind.Refused)
                onChange();
        }
    }

    /// <summary>Who may read Clusters may not be allowed to read Secrets; the rest is shown all the same.</summary>
    private async Task<RootOverview?> ReadRootsAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await inspection.ReadRootsAsync(cancellationToken);
        }
        catch (FleetStatusException)
        {
            return null;
        }
    }
}
