using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>A serving certificate of this process with its key, which is stored in no Secret and no file.</summary>
public sealed class IssuedServingCertificate : IDisposable
{
    private readonly CertificateKeyPair _pair;

    internal IssuedServingCertificate(CertificateKeyPair pair) => _pair = pair;

    /// <summary>The certificate first, then the certificates to serve with it.</summary>
    public string CertificatePem => _pair.CertificatePem;

    /// <summary>The private key as PEM; zeroed by disposal.</summary>
    public ReadOnlyMemory<byte> PrivateKeyPem => _pair.PrivateKeyPem;

    /// <summary>Zeroes the private key.</summary>
    public void Dispose() => _pair.Dispose();
}

/// <summary>The serving certificate can't be issued or renewed now; the message says why, and contains no secret.</summary>
/// <param name="message">One sentence for the log.</param>
/// <param name="isTransient">True when a retry may succeed without a change by a person.</param>
/// <param name="cause">The exception that caused it.</param>
public sealed class ServingAuthorityException(string message, bool isTransient, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>True when a retry may succeed without a change by a person.</summary>
    public bool IsTransient { get; } = isTransient;
}
