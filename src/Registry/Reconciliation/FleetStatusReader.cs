using System.Runtime.CompilerServices;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>
/// Reads how all registries stand from the objects alone: Clusters, HelmChartProxies, the roots and Warning Events. It asks no running
/// service and writes nothing.
/// </summary>
internal sealed class FleetStatusReader(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    private const string ReportingController = "capi-registry-hook.io/reconciler";
    private const int MostEvents = 20;

    private static readonly ILookup<string, HelmReleaseProxy> None = Array.Empty<HelmReleaseProxy>().ToLookup(_ => "");

    public async IAsyncEnumerable<ClusterStatus> ReadAsync(
        string? @namespace, string? selector, string version, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var generations = await ReadGenerationsAsync(cancellationToken);
        var releases = await ReadReleasesAsync(@namespace, cancellationToken);
        var helm = releases.Values.Any(ReleaseReport.IsInTheWay) ? await ReadHelmReleasesAsync(@namespace, cancellationToken) : None;
        var warnings = await ReadWarningsAsync(@namespace, cancellationToken);
        var contents = await DeclaredContents.ReadAsync(management, options, cancellationToken);
        await foreach (var cluster in management.ListAsync(
            RegistryResources.Clusters(version), new ListOptions { Namespace = @namespace, LabelSelector = selector }, cancellationToken))
        {
            var key = cluster.Key;
            var facts = new ClusterFacts(cluster, releases.GetValueOrDefault(key), generations)
            {
                HelmReleases = releases.GetValueOrDefault(key) is { } release ? helm[release.Metadata.Uid ?? ""] : [],
                Warning = warnings.GetValueOrDefault(cluster.Metadata.Uid ?? ""),
            };
            var status = ClusterStatusFactory.Create(facts, options, time.GetUtcNow());
            yield return status.Endpoint is null ? status : status with { Content = contents.Of(cluster) };
        }
    }

    /// <summary>One Cluster in depth; null when it is not there.</summary>
    public async Task<ClusterStatusDetail?> ReadAsync(ClusterKey key, string version, CancellationToken cancellationToken)
    {
        var cluster = await management.FindAsync(RegistryResources.Clusters(version), key.Object, cancellationToken);
        if (cluster is null)
            return null;
        var found = await management.FindAsync(RegistryResources.HelmChartProxies, RegistryPlan.ChartProxyOf(cluster), cancellationToken);
        var release = found is not null && ObjectLabels.IsManagedFor(cluster, found.Metadata) ? found : null;
        var events = new List<Event>();
        await foreach (var item in ReadEventsAsync(key.Namespace, cancellationToken))
        {
            if (item.Regarding?.Uid == cluster.Metadata.Uid)
                events.Add(item);
        }

        var facts = new ClusterFacts(cluster, release, await ReadGenerationsAsync(cancellationToken))
        {
            HelmReleases = release is null ? []
                : (await ReadHelmReleasesAsync(key.Namespace, cancellationToken))[release.Metadata.Uid ?? ""],
            Warning = events.Where(item => item.Type == "Warning").MaxBy(item => item.EventTime),
        };
        var trust = await management.FindAsync(CoreResources.Secrets, RegistryBasis.TrustSecret(cluster.Name), cancellationToken);
        var detail = ClusterDetailFactory.Create(
            facts, trust is null ? null : TrustSecret.Read(trust),
            events.OrderByDescending(item => item.EventTime).Take(MostEvents), options, time.GetUtcNow());
        var dates = trust is null ? null : TrustDates.Read(trust);
        var contents = await DeclaredContents.ReadAsync(management, options, cancellationToken);
        return detail with
        {
            Summary = detail.Summary.Endpoint is null ? detail.Summary : detail.Summary with { Content = contents.Of(cluster) },
            TrustedRoots = [.. detail.TrustedRoots.Select(root => root with { Since = dates?.Since(RootId.Of(root.Thumbprint)) })],
        };
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
            if (ClusterOwner.KeyOf(release.Metadata) is { } cluster)
                releases[cluster] = release;
        }

        return releases;
    }

    /// <summary>
    /// By the uid of their HelmChartProxy; none where they can't be read, since their HelmChartProxies say nearly the same.
    /// </summary>
    private async Task<ILookup<string, HelmReleaseProxy>> ReadHelmReleasesAsync(string? @namespace, CancellationToken cancellationToken)
    {
        var releases = new List<(string Uid, HelmReleaseProxy Release)>();
        try
        {
            var options = new ListOptions { Namespace = @namespace };
            await foreach (var release in management.ListAsync(RegistryResources.HelmReleaseProxies, options, cancellationToken))
                releases.AddRange((release.Metadata.OwnerReferences ?? []).Select(owner => (owner.Uid, release)));
        }
        catch (KubernetesApiException)
        {
            releases.Clear();
        }

        return releases.ToLookup(entry => entry.Uid, entry => entry.Release);
    }

    /// <summary>The latest Warning by the uid of its Cluster.</summary>
    private async Task<Dictionary<string, Event>> ReadWarningsAsync(string? @namespace, CancellationToken cancellationToken)
    {
        var warnings = new Dictionary<string, Event>();
        await foreach (var item in ReadEventsAsync(@namespace, cancellationToken))
        {
            if (item is { Type: "Warning", Regarding.Uid: { } uid }
                && (!warnings.TryGetValue(uid, out var known) || known.EventTime < item.EventTime))
                warnings[uid] = item;
        }

        return warnings;
    }

    /// <summary>The reconciler's; it ends where Events can't be read, since they only add to the rest.</summary>
    private async IAsyncEnumerable<Event> ReadEventsAsync(string? @namespace, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var options = new ListOptions { Namespace = @namespace };
        await using var events = management.ListAsync(CoreResources.Events, options, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                if (!await events.MoveNextAsync())
                    yield break;
            }
            catch (KubernetesApiException)
            {
                yield break;
            }

            if (events.Current.ReportingController == ReportingController)
                yield return events.Current;
        }
    }
}

/// <summary>What there is to judge a cluster's registry by.</summary>
/// <param name="Cluster">The Cluster.</param>
/// <param name="Release">Its HelmChartProxy; null when there is none of ours.</param>
/// <param name="Generations">The roots there are now.</param>
internal sealed record ClusterFacts(Cluster Cluster, HelmChartProxy? Release, IReadOnlyDictionary<string, int> Generations)
{
    /// <summary>The latest Warning about it; null when there is none.</summary>
    public Event? Warning { get; init; }

    /// <summary>The HelmReleaseProxies of <see cref="Release"/>, where it is not ready.</summary>
    public IEnumerable<HelmReleaseProxy> HelmReleases { get; init; } = [];
}
