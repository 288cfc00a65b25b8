using System.Security.Cryptography;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Clusters;

/// <summary>
/// Clients of workload clusters, built from kubeconfigs that lie in Secrets of the management cluster. A client is kept for the next loan
/// until its Secret changes or goes, it has been idle for ten minutes, or 256 others were used later. Thread-safe.
/// </summary>
public sealed class SecretKubeconfigClients : IDisposable
{
    /// <summary>An idle client holds connections that cost memory on both sides; a hook comes back within minutes or not for
    /// hours.</summary>
    internal static readonly TimeSpan LongestIdle = TimeSpan.FromMinutes(10);

    /// <summary>About 100 KB each with one open connection.</summary>
    internal const int MostClients = 256;

    private readonly KubernetesClient _management;
    private readonly KubernetesClientOptions _options;
    private readonly AddressPolicy? _addresses;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<(NamespacedName Secret, string Key), CachedClient> _clients = [];
    private readonly ITimer _sweeper;
    private bool _disposed;

    /// <summary>Clients that are kept at most, 1 or more; each takes some 100 KiB.</summary>
    public int Most { get; init; } = MostClients;

    /// <summary>An empty set of clients.</summary>
    /// <param name="management">The client of the cluster with the Secrets; not freed with this object.</param>
    /// <param name="options">Limits of the clients that are built; they read at most 1 MiB per answer in any case.</param>
    /// <param name="time">The clock.</param>
    /// <param name="addresses">Where the kubeconfigs may lead; null for anywhere.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public SecretKubeconfigClients(
        KubernetesClient management, KubernetesClientOptions options, TimeProvider time, AddressPolicy? addresses = null)
    {
        options.Validate();
        // Reads of kubeconfigs come in bulk, so they do not share a queue with what else the client does.
        _management = management.WithOwnQueue();
        _options = options with
        {
            MaxResponseBytes = Math.Min(options.MaxResponseBytes, KubernetesClientOptions.WorkloadResponseBytes),
        };
        _addresses = addresses;
        _time = time;
        _sweeper = time.CreateTimer(_ => Sweep(), null, LongestIdle / 2, LongestIdle / 2);
    }

    /// <summary>How many clients are kept for another loan.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
                return _clients.Count;
        }
    }

    /// <summary>Lends a client of the cluster whose kubeconfig the Secret holds. Reads the Secret once, and builds a new client only when
    /// its data changed.</summary>
    /// <param name="secret">The Secret.</param>
    /// <param name="key">The key of the kubeconfig in it; <c>value</c> by the Cluster API contract.</param>
    /// <returns>The loan; dispose it after use.</returns>
    /// <exception cref="KubernetesApiException">With <see cref="KubernetesFault.NotFound"/> when there is no such Secret.</exception>
    /// <exception cref="KubeconfigException">The Secret has no such key, or the kubeconfig can't be used.</exception>
    public async Task<ClientLease> RentAsync(NamespacedName secret, string key, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        try
        {
            var kubeconfig = await ReadAsync(secret, key, cancellationToken);
            var digest = SHA256.HashData(kubeconfig);
            return TryLend((secret, key), digest) ?? LendNew((secret, key), digest, Build(secret, key, kubeconfig));
        }
        catch (Exception exception) when (exception is KubeconfigException or KubernetesApiException { Fault: KubernetesFault.NotFound })
        {
            Drop((secret, key));
            throw;
        }
    }

    /// <summary>Frees the clients; those still lent are freed when they come back.</summary>
    public void Dispose()
    {
        _sweeper.Dispose();
        Free(() =>
        {
            _disposed = true;
            return [.. _clients.Keys];
        });
    }

    private async Task<byte[]> ReadAsync(NamespacedName secret, string key, CancellationToken cancellationToken)
    {
        var found = await _management.GetAsync(CoreResources.Secrets, secret, cancellationToken);
        return found.Data?.GetValueOrDefault(key)
            ?? throw new KubeconfigException($"Secret {secret} has no key \"{key}\" with a kubeconfig in it.");
    }

    // Outside of the lock: it parses YAML and keys. Two callers may build at once; the second finds the first's client and frees its own.
    private KubernetesClient Build(NamespacedName secret, string key, byte[] kubeconfig)
    {
        try
        {
            return new KubernetesClient(
                Kubeconfig.Parse(kubeconfig, context: null, _time) with { Addresses = _addresses }, _options, _time);
        }
        catch (KubeconfigException exception)
        {
            throw new KubeconfigException($"Secret {secret}, key \"{key}\": {exception.Message}", exception);
        }
    }

    private ClientLease? TryLend((NamespacedName Secret, string Key) place, byte[] digest)
    {
        lock (_gate)
        {
            return _clients.TryGetValue(place, out var cached) && cached.IsMadeFrom(digest) ? Lend(cached) : null;
        }
    }

    private ClientLease LendNew((NamespacedName Secret, string Key) place, byte[] digest, KubernetesClient built)
    {
        List<KubernetesClient> unused = [];
        ClientLease lease;
        lock (_gate)
        {
            if (_clients.TryGetValue(place, out var known) && known.IsMadeFrom(digest))
            {
                unused.Add(built);
                lease = Lend(known);
            }
            else
            {
                Forget(place, unused);
                CachedClient cached = new(built, digest);
                lease = Lend(cached);
                Keep(place, cached, unused);
            }
        }

        unused.ForEach(client => client.Dispose());
        return lease;
    }

    private void Keep((NamespacedName Secret, string Key) place, CachedClient cached, List<KubernetesClient> unused)
    {
        if (_disposed)
        {
            // Disposed while it was built: the loan is good, and the last one.
            cached.Retire();
            return;
        }

        if (_clients.Count >= Most)
            Forget(_clients.MinBy(entry => (entry.Value.IsLent, entry.Value.UsedAt)).Key, unused);
        _clients[place] = cached;
    }

    private ClientLease Lend(CachedClient cached)
    {
        cached.Lend();
        cached.UsedAt = _time.GetTimestamp();
        return new ClientLease(cached, GiveBack);
    }

    private void GiveBack(CachedClient cached)
    {
        bool last;
        lock (_gate)
        {
            cached.UsedAt = _time.GetTimestamp();
            last = cached.Return();
        }

        if (last)
            cached.Client.Dispose();
    }

    private void Drop((NamespacedName Secret, string Key) place) => Free(() => [place]);

    private void Sweep() => Free(() =>
        [.. _clients.Where(entry => !entry.Value.IsLent && _time.GetElapsedTime(entry.Value.UsedAt) >= LongestIdle)
            .Select(entry => entry.Key)]);

    // Freeing closes sockets, so it happens outside of the lock.
    private void Free(Func<IReadOnlyList<(NamespacedName Secret, string Key)>> choose)
    {
        List<KubernetesClient> unused = [];
        lock (_gate)
        {
            foreach (var place in choose())
                Forget(place, unused);
        }

        unused.ForEach(client => client.Dispose());
    }

    private void Forget((NamespacedName Secret, string Key) place, List<KubernetesClient> unused)
    {
        if (_clients.Remove(place, out var cached) && cached.Retire())
            unused.Add(cached.Client);
    }
}
