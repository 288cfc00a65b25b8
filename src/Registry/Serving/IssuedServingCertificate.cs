using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>A serving certificate of this process, with its key; the key is in no Secret and in no file.</summary>
public sealed class IssuedServingCertificate : IDisposable
{
    private readonly CertificateKeyPair _pair;

    internal IssuedServingCertificate(CertificateKeyPair pair) => _pair = pair;

    /// <summary>The certificate first, then what has to be served with it.</summary>
    public string CertificatePem => _pair.CertificatePem;

    /// <summary>The private key as PEM; gone after disposal.</summary>
    public ReadOnlyMemory<byte> PrivateKeyPem => _pair.PrivateKeyPem;

    /// <summary>Zeroes the private key.</summary>
    public void Dispose() => _pair.Dispose();
}

/// <summary>The serving certificate can't be made or renewed now; the message says why, and holds nothing secret.</summary>
/// <param name="message">One sentence for the log.</param>
/// <param name="isTransient">True when it may well work later without anybody changing anything.</param>
/// <param name="cause">What happened below.</param>
public sealed class ServingAuthorityException(string message, bool isTransient, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>True when it may well work later without anybody changing anything.</summary>
    public bool IsTransient { get; } = isTransient;
}
