using System.Runtime.CompilerServices;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>A watch over objects that each belong to a Cluster, until the API server refuses it for good.</summary>
internal sealed class FleetWatch(KubernetesClient management, ResourceType<ObjectHeader> type, Func<ObjectMeta, ClusterKey?> clusterOf)
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
            : new FleetEvent(FleetEventKind.Seen, cluster, header.Fingerprint);
    }
}
