using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>
/// What clients of this service are known to trust: the <c>caBundle</c> of the ExtensionConfig, which Cluster API fills.
/// </summary>
internal sealed class ExtensionTrust(KubernetesClient management, string extensionConfig, TimeProvider time)
{
    /// <summary>Newest first. Cluster API 1.10 and older serve only the second.</summary>
    private static readonly string[] Versions = ["v1beta2", "v1alpha1"];

    /// <summary>Whether clients trust this authority directly, not only through a cross-certificate.</summary>
    public async Task<bool> HoldsAsync(CertificateAuthority authority, CancellationToken cancellationToken) => extensionConfig.Length == 0
        ? IsOldEnough(authority)
        : (await FindAsync(cancellationToken)).Any(certificate => certificate.Thumbprint == authority.RootThumbprint);

    /// <summary>Whether clients accept what this authority issues, directly or through a cross-certificate.</summary>
    public async Task<bool> AcceptsAsync(CertificateAuthority authority, CancellationToken cancellationToken) => extensionConfig.Length == 0
        ? IsOldEnough(authority)
        : authority.IsAnchoredIn(await FindAsync(cancellationToken), time);

    /// <summary>Without an ExtensionConfig to read, a waiting time stands in for it.</summary>
    private bool IsOldEnough(CertificateAuthority authority) => time.GetUtcNow() - authority.NotBefore >= ServingOptions.BlindWait;

    /// <summary>Empty when there is no such ExtensionConfig, or its bundle is not filled yet.</summary>
    private async Task<TrustBundle> FindAsync(CancellationToken cancellationToken)
    {
        foreach (var version in Versions)
        {
            try
            {
                var found = await management.FindAsync(
                    RegistryResources.ExtensionConfigs(version), NamespacedName.Cluster(extensionConfig), cancellationToken);
                return TrustBundle.Parse(found?.Spec?.ClientConfig?.CaBundle);
            }
            catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
            {
                // This version is not served.
            }
            catch (CertificateException)
            {
                return TrustBundle.Empty;
            }
        }

        return TrustBundle.Empty;
    }
}
