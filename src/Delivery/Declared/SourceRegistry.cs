using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Declared;

/// <summary>The registry that a RegistryContent names as its source. It frees its connections.</summary>
internal sealed class SourceRegistry : IDisposable
{
    /// <summary>Manifests of one source that are kept in memory: those of some hundred images.</summary>
    private const long MostKept = 8 << 20;

    private readonly ManifestAllowance _own = new(MostKept);
    private long _kept;
    private readonly RegistrySourceSpec _spec;
    private readonly HttpMessageHandler _handler;

    /// <summary>A source; nothing is called yet.</summary>
    /// <param name="spec">Where it is, checked by <see cref="ContentRules"/>.</param>
    /// <param name="caPem">What verifies it; null for the authorities of the machine.</param>
    /// <param name="login">The login that is meant for it; null for none.</param>
    /// <param name="addresses">Where it may lie; a tenant names the host.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ContentException">The PEM holds no certificate.</exception>
    public SourceRegistry(RegistrySourceSpec spec, string? caPem, Login? login, AddressPolicy addresses, TimeProvider time)
    {
        (_spec, CaPem, Login) = (spec, caPem, login);
        var address = RegistryTransport.AddressOf(spec.Host!);
        // A proxy decides for itself where it connects to.
        var isProxied = !HttpClient.DefaultProxy.IsBypassed(address) && HttpClient.DefaultProxy.GetProxy(address) is not null;
        _handler = RegistryTransport.Create(caPem, isProxied ? null : addresses.ConnectAsync);
        Client = new RegistryClient(_handler, address, new RegistryOptions
        {
            Logins = new OneLogin(spec.Host!, login), LoginName = spec.Host, Time = time, Timeout = TimeSpan.FromSeconds(30),
        });
    }

    public RegistryClient Client { get; }

    /// <summary>What manifests of this and other sources may take in memory; null for no common bound.</summary>
    public ManifestAllowance? Kept { get; init; }

    /// <summary>Host, and port where it is not 443.</summary>
    public string Host => _spec.Host!;

    /// <summary>What verifies it; null for the authorities of the machine.</summary>
    public string? CaPem { get; }

    /// <summary>The login that is meant for it; null for none. Never printed.</summary>
    public Login? Login { get; }

    /// <summary>Whether so many more bytes of manifests may be kept until this is disposed.</summary>
    public bool MayKeep(long bytes)
    {
        if (!_own.TryTake(bytes))
            return false;
        if (Kept?.TryTake(bytes) == false)
        {
            _own.Return(bytes);
            return false;
        }

        Interlocked.Add(ref _kept, bytes);
        return true;
    }

    /// <summary>Where something with a name lies in this registry.</summary>
    public string RepositoryOf(Reference name)
    {
        if (string.Equals(name.Registry, _spec.Host, StringComparison.OrdinalIgnoreCase))
            return name.Repository;
        var rule = _spec.Layout == "Host" ? new MirrorRule([name.Registry]) : MirrorRule.ByPath;
        return WithPrefix(MirrorPaths.PathOf(name, rule));
    }

    /// <summary>The lock in an artifact of this registry, verified by its digest.</summary>
    /// <exception cref="ContentException">It is not there, or is not a lock.</exception>
    public async Task<string> ReadLockAsync(LockArtifactRef artifact, CancellationToken cancellationToken)
    {
        var repository = WithPrefix(artifact.Repository!);
        var what = $"{Client.Name}/{repository}@{artifact.Digest}";
        var manifest = await Client.GetManifestAsync(repository, artifact.Digest!, cancellationToken)
            ?? throw new ContentException($"The lock {what} does not exist.");
        if (manifest.Layers is not [{ Size: <= LockText.LargestSize } layer])
            throw new ContentException(
                $"The artifact {what} has not one part of at most {LockText.LargestSize >> 20} MiB, so it is not a lock.");
        return await LockText.ReadAsync(new RegistrySource(Client, repository), layer, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Kept?.Return(Interlocked.Exchange(ref _kept, 0));
        Client.Dispose();
        _handler.Dispose();
        RegistryTransport.FreeTrust(_handler);
    }

    private string WithPrefix(string repository) => _spec.Prefix is { Length: > 0 } prefix ? $"{prefix}/{repository}" : repository;

    /// <summary>A login for one host; every other is a stranger.</summary>
    private sealed class OneLogin(string host, Login? login) : IRegistryLogins
    {
        public Task<Login?> FindAsync(string registry, CancellationToken cancellationToken) =>
            Task.FromResult(registry == host ? login : null);
    }
}
