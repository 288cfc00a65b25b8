using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Backup;

/// <summary>Finds out whether clusters rely on another root than the ones that are to be imported.</summary>
internal sealed class RootUses(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    private const string TrustSelector = $"{ObjectLabels.ManagedSelector},{RegistryPlan.ClusterNameLabel}";

    /// <summary>
    /// Names the first object that relies on another root, as the middle of a sentence; null when there is none. What a cluster's nodes
    /// trust decides; the issuer of its certificate only where that is not known.
    /// </summary>
    public async Task<string?> FindOtherAsync(RootBackup backup, CancellationToken cancellationToken)
    {
        var served = new HashSet<(string?, string?)>();
        foreach (var place in options.Places)
        {
            if (await FindTrustAsync(backup, place, served, cancellationToken) is { } trust)
                return trust;
        }

        foreach (var place in options.Places)
        {
            if (await FindReleaseAsync(backup, place, served, cancellationToken) is { } release)
                return release;
        }

        return null;
    }

    private async Task<string?> FindTrustAsync(
        RootBackup backup, string? place, HashSet<(string?, string?)> served, CancellationToken cancellationToken)
    {
        var selected = new ListOptions { Namespace = place, LabelSelector = TrustSelector };
        await foreach (var secret in management.ListAsync(CoreResources.Secrets, selected, cancellationToken))
        {
            if (secret.Metadata.DeletionTimestamp is not null || TrustSecret.Read(secret) is not { } trusted)
                continue;
            if (!Roots(backup).Any(root => root.Authority.IsAnchoredIn(trusted, time)))
                return $"the Secret {Name(secret.Metadata)} makes nodes trust the root {RootId.Of(trusted.Last().Thumbprint)}";
            served.Add(ClusterOf(secret.Metadata));
        }

        return null;
    }

    private async Task<string?> FindReleaseAsync(
        RootBackup backup, string? place, HashSet<(string?, string?)> served, CancellationToken cancellationToken)
    {
        var selected = new ListOptions { Namespace = place, LabelSelector = ObjectLabels.ManagedSelector };
        try
        {
            await foreach (var release in management.ListAsync(RegistryResources.HelmChartProxyHeaders, selected, cancellationToken))
            {
                if (release.Metadata.DeletionTimestamp is null && !served.Contains(ClusterOf(release.Metadata))
                    && release.Metadata.Annotations?.GetValueOrDefault(RootAnnotations.CertificateIssuer) is { Length: > 0 } issuer
                    && Roots(backup).All(root => root.Id != issuer))
                    return $"the HelmChartProxy {Name(release.Metadata)} has a certificate from the root {FieldText.Sentence(issuer)}";
            }
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            // The add-on provider is not installed, so no cluster has a registry.
        }

        return null;
    }

    private static IEnumerable<AuthoritySecret> Roots(RootBackup backup) => new[] { backup.Current, backup.Next }.OfType<AuthoritySecret>();

    private static (string? Namespace, string? Name) ClusterOf(ObjectMeta metadata) =>
        (metadata.Namespace, metadata.Labels?.GetValueOrDefault(RegistryPlan.ClusterNameLabel));

    private static string Name(ObjectMeta metadata) => FieldText.Sentence($"{metadata.Namespace}/{metadata.Name}");
}
