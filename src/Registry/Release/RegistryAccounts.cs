using System.Net;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Release;

/// <summary>The accounts of a registry: a Secret on its workload cluster, which its pods mount.</summary>
public static class RegistryAccounts
{
    /// <summary>The volume with them, by the registry's chart.</summary>
    private const string Volume = "auth";

    /// <summary>
    /// The Secret with the accounts; null when the registry asks for no login, or what its workload cluster says is not a name.
    /// </summary>
    /// <param name="pod">What the registry's pods mount.</param>
    public static NamespacedName? SecretOf(PodSpec? pod) =>
        pod?.Volumes?.FirstOrDefault(volume => volume?.Name == Volume)?.Secret?.SecretName is { } name && KubernetesNames.IsSubdomain(name)
            ? new NamespacedName(RegistryNames.Namespace, name) : null;

    /// <summary>
    /// The login that an admin put beside the accounts, so that replicas can copy from each other; null when there is none.
    /// </summary>
    /// <param name="workload">The workload cluster.</param>
    /// <param name="secret">The Secret with the accounts.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="KubernetesApiException">The workload API server can't be asked.</exception>
    public static async Task<NetworkCredential?> FindLoginAsync(
        KubernetesClient workload, NamespacedName secret, CancellationToken cancellationToken) =>
        await workload.FindAsync(CoreResources.Secrets, secret, cancellationToken) is { } found ? LoginSecret.ReadAccount(found) : null;
}
