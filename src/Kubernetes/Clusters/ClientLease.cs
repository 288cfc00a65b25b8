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

/// <summary>A client with a count of its loans: freed when it is no longer kept and the last loan is back. Guarded by its owner's
/// lock.</summary>
/// <param name="client">The client.</param>
/// <param name="digest">SHA-256 of the kubeconfig it was made from.</param>
internal sealed class CachedClient(KubernetesClient client, byte[] digest)
{
    private int _loans;
    private bool _retired;

    public KubernetesClient Client => client;

    /// <summary>When it was lent or came back last, by the clock's timestamps.</summary>
    public long UsedAt { get; set; }

    public bool IsLent => _loans > 0;

    public bool IsMadeFrom(ReadOnlySpan<byte> otherDigest) => otherDigest.SequenceEqual(digest);

    public void Lend() => _loans++;

    /// <summary>A loan is back.</summary>
    /// <returns>True when the caller has to free the client now.</returns>
    public bool Return() => --_loans == 0 && _retired;

    /// <summary>The client is not lent out any more.</summary>
    /// <returns>True when the caller has to free the client now.</returns>
    public bool Retire()
    {
        if (_retired)
            return false;
        _retired = true;
        return _loans == 0;
    }
}
