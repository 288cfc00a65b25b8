using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Inspection;

/// <summary>
/// Reads the roots. The Secrets of clusters are read by their metadata, which says what is in their bundles and since when; one of those
/// that hold a former root is read for its certificate.
/// </summary>
internal sealed class RootInspection(KubernetesClient management, RegistryOptions options)
{
    public async Task<RootOverview> ReadAsync(CancellationToken cancellationToken)
    {
        var roots = new List<RootReport>();
        using var current = await LoadAsync(RootAuthority.NameOf(options), cancellationToken);
        using var next = await LoadAsync(RootAuthority.NextNameOf(options), cancellationToken);
        if (current is not null)
            roots.Add(Describe(current, RootRole.Signing, current));
        if (current is not null && next is not null && current.IsFollowedBy(next))
            roots.Add(Describe(next, RootRole.Next, current));
        var trusted = await ReadTrustAsync(cancellationToken);
        foreach (var (cluster, id) in FormerRoots(trusted, roots))
            roots.AddRange(await DescribeAsync(cluster, id, current, cancellationToken));
        return new RootOverview([.. roots.OrderBy(root => root.NotBefore).ThenBy(root => root.Role == RootRole.Next)], trusted);
    }

    private async Task<AuthoritySecret?> LoadAsync(NamespacedName name, CancellationToken cancellationToken) =>
        AuthoritySecret.TryLoad(await management.FindAsync(CoreResources.Secrets, name, cancellationToken));

    private RootReport Describe(AuthoritySecret root, RootRole role, AuthoritySecret current) =>
        new(root.Id, role, root.Authority.NotBefore, root.Authority.NotAfter)
        {
            Generation = root.Generation,
            RotatesAt = role == RootRole.Signing && options.RootSource == RootSource.Managed && RotationTrigger.Obstacle(root) is null
                ? root.Authority.RotationTime : null,
            IsCompromised = current.CompromisedIds.Contains(root.Id, StringComparer.Ordinal),
        };

    private async Task<Dictionary<ClusterKey, IReadOnlyDictionary<string, DateTimeOffset>>> ReadTrustAsync(
        CancellationToken cancellationToken)
    {
        var trusted = new Dictionary<ClusterKey, IReadOnlyDictionary<string, DateTimeOffset>>();
        foreach (var place in options.Places)
        {
            var ours = new ListOptions { Namespace = place, LabelSelector = ObjectLabels.ManagedSelector };
            await foreach (var secret in management.ListAsync(RegistryResources.SecretHeaders, ours, cancellationToken))
            {
                if (secret.Metadata.Annotations?.GetValueOrDefault(TrustDates.Annotation) is { } dates
                    && secret.Metadata.Labels?.GetValueOrDefault(RegistryPlan.ClusterNameLabel) is { } cluster)
                    trusted[new ClusterKey(secret.Metadata.Namespace ?? "", cluster)] = TrustDates.Parse(dates).ById;
            }
        }

        return trusted;
    }

    private static IEnumerable<(ClusterKey Cluster, string Id)> FormerRoots(
        Dictionary<ClusterKey, IReadOnlyDictionary<string, DateTimeOffset>> trusted, List<RootReport> known)
    {
        const int Most = 10;
        return trusted.SelectMany(entry => entry.Value.Keys.Select(id => (entry.Key, id)))
            .Where(entry => !known.Exists(root => root.Id == entry.id)).DistinctBy(entry => entry.id).Take(Most);
    }

    private async Task<IEnumerable<RootReport>> DescribeAsync(
        ClusterKey cluster, string id, AuthoritySecret? current, CancellationToken cancellationToken)
    {
        var name = RegistryBasis.TrustSecret(cluster.Object);
        var secret = await management.FindAsync(CoreResources.Secrets, name, cancellationToken);
        return (secret is null ? null : TrustSecret.Read(secret))?.Where(root => RootId.Of(root.Thumbprint) == id)
            .Select(root => new RootReport(id, RootRole.Former, root.NotBefore, root.NotAfter)
            {
                IsCompromised = current?.CompromisedIds.Contains(id, StringComparer.Ordinal) == true,
            }) ?? [];
    }
}
