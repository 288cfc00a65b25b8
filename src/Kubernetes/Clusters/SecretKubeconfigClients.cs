namespace CapiRegistryHook.Kubernetes;

/// <summary>Clients of workload clusters, built from kubeconfigs that lie in Secrets of the management cluster.</summary>
public sealed class SecretKubeconfigClients : IDisposable
{
    /// <summary>An empty set of clients.</summary>
    /// <param name="management">The client of the cluster with the Secrets; not freed with this object.</param>
    /// <param name="options">Limits of the clients that are built.</param>
    /// <param name="time">The clock.</param>
    public SecretKubeconfigClients(KubernetesClient management, KubernetesClientOptions options, TimeProvider time)
    {
    }

    /// <summary>Lends a client of the cluster whose kubeconfig the Secret holds. Reads the Secret once, and builds a new client only when its data changed.</summary>
    /// <param name="secret">The Secret.</param>
    /// <param name="key">The key of the kubeconfig in it; <c>value</c> by the Cluster API contract.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>The loan; dispose it after use.</returns>
    /// <exception cref="KubernetesApiException">With <see cref="KubernetesFault.NotFound"/> when there is no such Secret.</exception>
    /// <exception cref="KubeconfigException">The Secret has no such key, or the kubeconfig can't be used.</exception>
    public Task<ClientLease> RentAsync(NamespacedName secret, string key, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Frees the clients; those still lent are freed when they come back.</summary>
    public void Dispose()
    {
    }
}
