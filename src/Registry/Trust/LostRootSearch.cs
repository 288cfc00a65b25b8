using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// Searches for clusters that rely on a root before the first root is created. If there is one, the root Secret was lost, and a new root
/// would split the fleet in two. Called only while there is no root Secret.
/// </summary>
internal sealed class LostRootSearch(KubernetesClient management, RegistryOptions options)
{
    /// <summary>
    /// Bounds the reads in a hook that must answer within seconds. A Cluster has a trust bundle and no HelmChartProxy only for minutes, so
    /// there are few of them at any time.
    /// </summary>
    private const int MostTrustSecrets = 20;

    /// <summary>Names an object that relies on a root, as the middle of a sentence; null when there is none.</summary>
    /// <param name="plan">The cluster that needs a root now; its own CA Secret does not count.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<string?> FindAsync(RegistryPlan plan, CancellationToken cancellationToken)
    {
        foreach (var place in options.Places)
        {
            if (await FindReleaseAsync(place, cancellationToken) is { } release)
                return release;
        }

        var left = MostTrustSecrets;
        foreach (var place in options.Places)
        {
            await foreach (var cluster in ClustersAsync(plan, place, cancellationToken))
            {
                if (left-- == 0)
                    return null;
                if (await FindTrustAsync(cluster, cancellationToken) is { } trust)
                    return trust;
            }
        }

        return null;
    }

    private async Task<string?> FindReleaseAsync(string? place, CancellationToken cancellationToken)
    {
        var selected = new ListOptions { Namespace = place, LabelSelector = ObjectLabels.ManagedSelector };
        try
        {
            await foreach (var release in management.ListAsync(RegistryResources.HelmChartProxyHeaders, selected, cancellationToken))
            {
                if (release.Metadata.DeletionTimestamp is null
                    && release.Metadata.Annotations?.GetValueOrDefault(RootAnnotations.CertificateIssuer) is { Length: > 0 } issuer)
                    return $"the HelmChartProxy {Name(release.Metadata)} has a certificate from the root {FieldText.Sentence(issuer)}";
            }
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            // The add-on provider is not installed, so no cluster has a registry.
        }

        return null;
    }

    /// <summary>Other Clusters that request a registry.</summary>
    private IAsyncEnumerable<Cluster> ClustersAsync(RegistryPlan plan, string? place, CancellationToken cancellationToken) =>
        management.ListAsync(RegistryResources.Clusters(plan.Cluster), new ListOptions { Namespace = place }, cancellationToken)
            .Where(cluster => cluster.Name != plan.Cluster.Name && cluster.Metadata.DeletionTimestamp is null
                && RegistrySettings.Find(cluster, options.Variable, []) is not null);

    private async Task<string?> FindTrustAsync(Cluster cluster, CancellationToken cancellationToken) =>
        await management.FindAsync(CoreResources.Secrets, RegistryBasis.TrustSecret(cluster), cancellationToken) is { } secret
        && TrustSecret.IsOurs(secret) && TrustSecret.Read(secret)?.LastOrDefault() is { } root
            ? $"the Secret {Name(secret.Metadata)} makes nodes trust the root {RootId.Of(root.Thumbprint)}" : null;

    private static string Name(ObjectMeta metadata) => FieldText.Sentence($"{metadata.Namespace}/{metadata.Name}");
}
