namespace CapiRegistryHook.Kubernetes.Clusters;

/// <summary>A client on loan; it stays usable until the loan is disposed, even when the Secret changes meanwhile.</summary>
public sealed class ClientLease : IDisposable
{
    private readonly CachedClient _cached;
    private Action<CachedClient>? _giveBack;

    internal ClientLease(CachedClient cached, Action<CachedClient> giveBack)
    {
        _cached = cached;
        _giveBack = giveBack;
    }

    /// <summary>The client of the workload cluster; do not dispose it.</summary>
    public KubernetesClient Client => _cached.Client;

    /// <summary>Gives the client back; calling it twice is harmless.</summary>
    public void Dispose() => Interlocked.Exchange(ref _giveBack, null)?.Invoke(_cached);
}
