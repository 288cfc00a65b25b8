using System.Runtime.CompilerServices;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>
/// Reads how all registries stand from the objects alone: Clusters, HelmChartProxies, the roots and Warning Events. It asks no running
/// service and writes nothing.
/// </summary>
internal sealed class FleetStatusReader(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    private const string ReportingController = "capi-registry-hook.io/reconciler";

    public async IAsyncEnumerable<ClusterStatus> ReadAsync(
        string? @namespace, string version, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var generations = await ReadGenerationsAsync(cancellationToken);
        var releases = await ReadReleasesAsync(@namespace, cancellationToken);
        var warnings = await ReadWarningsAsync(@namespace, cancellationToken);
        await foreach (var cluster in management.ListAsync(
            RegistryResources.Clusters(version), new ListOptions { Namespace = @namespace }, cancellationToken))
        {
            var key = new ClusterKey(cluster.Name.Namespace, cluster.Name.Name);
            var facts = new ClusterFacts(
                cluster, releases.GetValueOrDefault(key), warnings.GetValueOrDefault(cluster.Metadata.Uid ?? ""), generations);
            yield return ClusterStatusFactory.Create(facts, options, time.GetUtcNow());
        }
    }

    /// <summary>The roots there are now, by their names in annotations.</summary>
    private async Task<Dictionary<string, int>> ReadGenerationsAsync(CancellationToken cancellationToken)
    {
        var generations = new Dictionary<string, int>();
        foreach (var name in new[] { RootAuthority.NameOf(options), RootAuthority.NextNameOf(options) })
        {
            using var root = AuthoritySecret.TryLoad(await management.FindAsync(CoreResources.Secrets, name, cancellationToken));
            if (root is not null)
                generations[root.Id] = root.Generation;
        }

        return generations;
    }

    private async Task<Dictionary<ClusterKey, HelmChartProxy>> ReadReleasesAsync(string? @namespace, CancellationToken cancellationToken)
    {
        var releases = new Dictionary<ClusterKey, HelmChartProxy>();
        var ours = new ListOptions { Namespace = @namespace, LabelSelector = ObjectLabels.ManagedSelector };
        await foreach (var release in management.ListAsync(RegistryResources.HelmChartProxies, ours, cancellationToken))
        {
            if (release.Metadata.OwnerReferences?.FirstOrDefault(ClusterOwner.IsCluster) is { } owner)
                releases[new ClusterKey(release.Metadata.Namespace ?? "", owner.Name)] = release;
        }

        return releases;
    }

    /// <summary>The latest Warning by the uid of its Cluster; none where Events can't be read, since they only add to the rest.</summary>
    private async Task<Dictionary<string, Event>> ReadWarningsAsync(string? @namespace, CancellationToken cancellationToken)
    {
        var warnings = new Dictionary<string, Event>();
        try
        {
            await foreach (var item in management.ListAsync(
                CoreResources.Events, new ListOptions { Namespace = @namespace }, cancellationToken))
            {
                if (item is { Type: "Warning", ReportingController: ReportingController, Regarding.Uid: { } uid }
                    && (!warnings.TryGetValue(uid, out var known) || known.EventTime < item.EventTime))
                    warnings[uid] = item;
            }
        }
        catch (KubernetesApiException)
        {
            warnings.Clear();
        }

        return warnings;
    }
}

/// <summary>What there is to judge a cluster's registry by.</summary>
/// <param name="Cluster">The Cluster.</param>
/// <param name="Release">Its HelmChartProxy; null when there is none of ours.</param>
/// <param name="Warning">The latest Warning about it; null when there is none.</param>
/// <param name="Generations">The roots there are now.</param>
internal sealed record ClusterFacts(Cluster Cluster, HelmChartProxy? Release, Event? Warning, IReadOnlyDictionary<string, int> Generations);
