using System.Runtime.CompilerServices;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>A watch over objects that each belong to a Cluster, until the API server refuses it for good.</summary>
/// <param name="management">Client of the management cluster.</param>
/// <param name="type">What is watched.</param>
/// <param name="clusterOf">Names the Cluster of an object; null for an object of none.</param>
/// <param name="fingerprintOf">Differs when something changed that may matter.</param>
internal sealed class FleetWatch(
    KubernetesClient management, ResourceType<ObjectHeader> type, Func<ObjectMeta, ClusterKey?> clusterOf,
    Func<ObjectHeader, int> fingerprintOf)
{
    /// <summary>Rights and definitions are installed by people, who need longer than a server that restarts.</summary>
    public static readonly TimeSpan PauseAfterRefusal = TimeSpan.FromSeconds(30);

    /// <summary>A page is held in memory as a whole, and a Cluster with its status and managed fields takes 10 to 20 KB.</summary>
    private const int PageSize = 100;

    public async IAsyncEnumerable<FleetEvent> RunAsync(
        string? @namespace, string? selector, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var options = new ListOptions { Namespace = @namespace, LabelSelector = selector, PageSize = PageSize };
        await using var changes = management.WatchAsync(type, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        var problem = "";
        while (problem.Length == 0)
        {
            var moved = false;
            try
            {
                moved = await changes.MoveNextAsync();
            }
            catch (KubernetesApiException exception)
            {
                problem = exception.Message;
            }

            if (moved && Report(changes.Current) is { } report)
                yield return report;
        }

        yield return new FleetEvent(FleetEventKind.Refused, Problem: problem);
    }

    private FleetEvent? Report(WatchEvent<ObjectHeader> change)
    {
        if (change.Value is not { } header)
            return new FleetEvent(change.Kind == WatchEventKind.Reset ? FleetEventKind.Reset : FleetEventKind.Synced);
        if (clusterOf(header.Metadata) is not { } cluster)
            return null;
        return change.Kind == WatchEventKind.Deleted
            ? new FleetEvent(FleetEventKind.Gone, cluster)
            : new FleetEvent(FleetEventKind.Seen, cluster, fingerprintOf(header));
    }
}

/// <summary>What a watch over Clusters or their HelmChartProxies reports.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Cluster">The Cluster it is about; none with Reset, Synced and Refused.</param>
/// <param name="Fingerprint">Differs from the one before when something changed that may matter.</param>
/// <param name="Problem">With Refused, what the API server refuses.</param>
public readonly record struct FleetEvent(FleetEventKind Kind, ClusterKey Cluster = default, int Fingerprint = 0, string? Problem = null);

/// <summary>The kinds of <see cref="FleetEvent"/>.</summary>
public enum FleetEventKind
{
    /// <summary>A full list begins: what is not seen before <see cref="Synced"/> is gone.</summary>
    Reset,

    /// <summary>The object is there, in a list or because it changed.</summary>
    Seen,

    /// <summary>The object is gone.</summary>
    Gone,

    /// <summary>The full list is complete; what follows are changes.</summary>
    Synced,

    /// <summary>The API server refuses the watch; it is retried after a pause.</summary>
    Refused,
}
