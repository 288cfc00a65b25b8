using CapiRegistryHook.Registry.Serving;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>Where the serving certificate comes from. Asked from one place at a time.</summary>
internal interface ICertificateSource
{
    /// <summary>What is to be served now.</summary>
    /// <exception cref="ServingCertificateException">It can't be had; what is served stays.</exception>
    Task<CertificatePem> ReadAsync(CancellationToken cancellationToken);
}

/// <summary>A certificate with its key, as PEM; the key is valid until the next one is asked for.</summary>
/// <param name="Certificate">The leaf first, then what is served with it.</param>
/// <param name="Key">The private key.</param>
internal readonly record struct CertificatePem(string Certificate, ReadOnlyMemory<byte> Key);
