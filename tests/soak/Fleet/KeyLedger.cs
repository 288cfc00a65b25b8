namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>
/// Whose key is whose: a key belongs to one certificate of one cluster, and the root's key that is there fits the root's certificate.
/// </summary>
internal sealed class KeyLedger
{
    private readonly Dictionary<string, (string Cluster, string Serial)> _owners = [];

    /// <summary>How many server certificates there have been.</summary>
    public int Certificates => _owners.Count;

    /// <summary>A cluster serves this chain.</summary>
    public void Served(string cluster, string chainPem)
    {
        var owner = (cluster, TrustCheck.SerialOf(chainPem));
        var key = TrustCheck.KeyOf(chainPem);
        if (!_owners.TryAdd(key, owner) && _owners[key] != owner)
            throw new InvalidOperationException($"The key of {_owners[key]} is used again by {owner}.");
    }
}
