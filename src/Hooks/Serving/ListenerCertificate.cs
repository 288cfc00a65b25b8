using System.Net.Security;
using CapiRegistryHook.Registry.Serving;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>The certificate that the listener presents. It is read again while the process runs, since it gets renewed.</summary>
internal sealed class ListenerCertificate(ICertificateSource source, TimeProvider time) : IReloadable
{
    private volatile ServerIdentity? _current;

    public string Name => "The former serving certificate";

    /// <summary>True when the certificate is valid now.</summary>
    public bool IsValid => _current is { } loaded && loaded.NotBefore <= time.GetUtcNow() && time.GetUtcNow() < loaded.NotAfter;

    /// <summary>When the certificate expires.</summary>
    public DateTimeOffset NotAfter => _current!.NotAfter;

    /// <summary>The certificate, key and chain of the next handshake.</summary>
    public SslStreamCertificateContext Context => _current!.Context;

    /// <summary>Gets the first certificate.</summary>
    /// <exception cref="ServingCertificateException">It is not available, or does not fit its key.</exception>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var pem = await source.ReadAsync(cancellationToken);
        _current = ServerIdentity.Load(pem.Certificate, pem.Key.Span);
    }

    public async Task<string?> ReloadAsync(CancellationToken cancellationToken)
    {
        var pem = await source.ReadAsync(cancellationToken);
        if (ServerIdentity.FingerprintOf(pem.Certificate, pem.Key.Span) == _current!.Fingerprint)
            return null;
        var loaded = ServerIdentity.Load(pem.Certificate, pem.Key.Span);
        _current = loaded;
        return $"The serving certificate was reloaded: serial {loaded.SerialNumber}, until {loaded.NotAfter:u}";
    }
}
