using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>
/// What callers of this service are known to trust: the <c>caBundle</c> of the ExtensionConfig, which Cluster API fills, and of the
/// admission webhook.
/// </summary>
internal sealed class CallerTrust(KubernetesClient management, string extensionConfig, string webhook, TimeProvider time)
{
    /// <summary>Newest first. Cluster API 1.10 and older serve only the second.</summary>
    private static readonly string[] Versions = ["v1beta2", "v1alpha1"];

    /// <summary>Whether callers trust this authority directly, not only through a cross-certificate.</summary>
    public Task<bool> HoldsAsync(CertificateAuthority authority, CancellationToken cancellationToken) => JudgeAsync(
        authority, bundle => bundle.Any(certificate => certificate.Thumbprint == authority.RootThumbprint), cancellationToken);

    /// <summary>Whether callers accept what this authority issues, directly or through a cross-certificate.</summary>
    public Task<bool> AcceptsAsync(CertificateAuthority authority, CancellationToken cancellationToken) =>
        JudgeAsync(authority, bundle => authority.IsAnchoredIn(bundle, time), cancellationToken);

    private async Task<bool> JudgeAsync(
        CertificateAuthority authority, Func<TrustBundle, bool> accepts, CancellationToken cancellationToken)
    {
        var isKnown = extensionConfig.Length == 0 ? IsOldEnough(authority) : accepts(await FindExtensionAsync(cancellationToken));
        return isKnown && (webhook.Length == 0 || (await FindWebhooksAsync(cancellationToken)).All(accepts));
    }

    /// <summary>Without an ExtensionConfig to read, a waiting time stands in for it.</summary>
    private bool IsOldEnough(CertificateAuthority authority) => time.GetUtcNow() - authority.NotBefore >= ServingOptions.BlindWait;

    /// <summary>Empty when there is no such ExtensionConfig, or its bundle is not filled yet.</summary>
    private async Task<TrustBundle> FindExtensionAsync(CancellationToken cancellationToken)
    {
        foreach (var version in Versions)
        {
            try
            {
                var found = await management.FindAsync(
                    RegistryResources.ExtensionConfigs(version), NamespacedName.Cluster(extensionConfig), cancellationToken);
                return Read(found?.Spec?.ClientConfig);
            }
            catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
            {
                // This version is not served.
            }
        }

        return TrustBundle.Empty;
    }

    /// <summary>None when there is no such configuration: an API server that does not call need not trust.</summary>
    private async Task<IEnumerable<TrustBundle>> FindWebhooksAsync(CancellationToken cancellationToken)
    {
        var found = await management.FindAsync(RegistryResources.MutatingWebhooks, NamespacedName.Cluster(webhook), cancellationToken);
        return found?.Webhooks?.Select(each => Read(each.ClientConfig)) ?? [];
    }

    private static TrustBundle Read(ExtensionClientConfig? config)
    {
        try
        {
            return TrustBundle.Parse(config?.CaBundle);
        }
        catch (CertificateException)
        {
            return TrustBundle.Empty;
        }
    }
}
