namespace CapiRegistryHook.Kubernetes;

/// <summary>A client on loan; it stays usable until the loan is disposed, even when the Secret changes meanwhile.</summary>
public sealed class ClientLease : IDisposable
{
    internal ClientLease(KubernetesClient client) => Client = client;

    /// <summary>The client of the workload cluster; do not dispose it.</summary>
    public KubernetesClient Client { get; }

    /// <summary>Gives the client back; calling it twice is harmless.</summary>
    public void Dispose()
    {
    }
}
