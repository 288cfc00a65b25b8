namespace CapiRegistryHook.Kubernetes;

/// <summary>A client on loan; it stays usable until the loan is disposed, even when the Secret changes meanwhile.</summary>
public sealed class ClientLease : IDisposable
{
    private readonly CachedClient cached;
    private Action<CachedClient>? giveBack;

    internal ClientLease(CachedClient cached, Action<CachedClient> giveBack)
    {
        this.cached = cached;
        this.giveBack = giveBack;
    }

    /// <summary>The client of the workload cluster; do not dispose it.</summary>
    public KubernetesClient Client => cached.Client;

    /// <summary>Gives the client back; calling it twice is harmless.</summary>
    public void Dispose() => Interlocked.Exchange(ref giveBack, null)?.Invoke(cached);
}
