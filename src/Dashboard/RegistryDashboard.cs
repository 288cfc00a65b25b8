using CapiRegistryHook.Dashboard.Catalogue;
using CapiRegistryHook.Dashboard.Model;
using CapiRegistryHook.Dashboard.Page;
using CapiRegistryHook.Dashboard.Reading;
using CapiRegistryHook.Dashboard.Serving;
using CapiRegistryHook.Delivery.Clusters;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Inspection;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Dashboard;

/// <summary>The page on all registries: served on this machine while somebody looks, or written to one file.</summary>
/// <param name="management">Where the management cluster is, and as whom it is asked.</param>
/// <param name="options">How Clusters are read.</param>
/// <param name="program">The version of this program.</param>
/// <param name="time">The clock.</param>
public sealed class RegistryDashboard(ManagementConnection management, RegistryOptions options, string program, TimeProvider time)
{
    /// <summary>Beyond this many Clusters a file has no details: it would take long, and be large.</summary>
    public const int MostDetails = 200;

    private const int DetailsAtOnce = 8;

    /// <summary>Serves the page on 127.0.0.1 until it is cancelled.</summary>
    /// <param name="port">The port; 0 for any that is free.</param>
    /// <param name="logins">The logins that people have for registries that ask for one.</param>
    /// <param name="onReady">Called with the address once it can be opened.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    /// <exception cref="IOException">The port is taken.</exception>
    public async Task ServeAsync(int port, TargetLogins logins, Action<Uri> onReady, CancellationToken cancellationToken)
    {
        using var lifecycle = RegistryLifecycle.Connect(management, options, time);
        using var inspection = RegistryInspection.Connect(management, options, time);
        var fleet = new FleetReader(lifecycle, inspection, program, time);
        var feed = new FleetFeed(fleet.ReadAsync, time);
        using var registries = new OpenRegistries(new ClusterTargets(inspection.Directory, logins, time), time);
        await using var server = new DashboardServer(
            feed, new RegistryReader(lifecycle, inspection, time), new CatalogueReader(registries));
        await server.StartAsync(port, cancellationToken);
        onReady(server.Address!);
        try
        {
            await Task.WhenAny(feed.RunAsync(cancellationToken), fleet.WatchAsync(feed.Touch, cancellationToken)).Unwrap();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The person who looked ended it.
        }
    }

    /// <summary>Writes the page as one file, with what the management cluster says.</summary>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>HTML that needs nothing beside it.</returns>
    /// <exception cref="ManagementConnectionException">The kubeconfig or the pod's service account can't be used.</exception>
    /// <exception cref="FleetStatusException">The management cluster can't be read.</exception>
    public async Task<string> WriteAsync(CancellationToken cancellationToken)
    {
        using var lifecycle = RegistryLifecycle.Connect(management, options, time);
        using var inspection = RegistryInspection.Connect(management, options, time);
        var fleet = await new FleetReader(lifecycle, inspection, program, time).ReadAsync(cancellationToken);
        var details = fleet.Clusters.Count > MostDetails ? []
            : await ReadDetailsAsync(fleet, new RegistryReader(lifecycle, inspection, time), cancellationToken);
        return OfflinePage.Write(new OfflineContent(fleet, details));
    }

    private static async Task<SortedDictionary<string, RegistryDetail>> ReadDetailsAsync(
        FleetPage fleet, RegistryReader reader, CancellationToken cancellationToken)
    {
        var details = new SortedDictionary<string, RegistryDetail>(StringComparer.Ordinal);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = DetailsAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(fleet.Clusters, parallel, async (cluster, token) =>
        {
            var key = new ClusterKey(cluster.Namespace, cluster.Name);
            if (await reader.ReadFromManagementAsync(key, token) is not { } detail)
                return;
            lock (details)
                details.Add(key.ToString(), detail);
        });
        return details;
    }
}
