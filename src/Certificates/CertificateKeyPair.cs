using System.Security.Cryptography;

namespace CapiRegistryHook.Certificates;

/// <summary>
/// A certificate (chain) and its private key, both PEM, as in a <c>kubernetes.io/tls</c> Secret. The key is kept in one pinned byte array,
/// never in a string; disposal zeroes it, also for memory that was handed out before.
/// </summary>
public sealed class CertificateKeyPair : IDisposable
{
    private readonly byte[] _privateKeyPem;
    private bool _disposed;

    internal CertificateKeyPair(string certificatePem, Certificate certificate, byte[] privateKeyPem)
    {
        CertificatePem = certificatePem;
        SerialNumber = certificate.SerialNumber;
        NotBefore = certificate.NotBefore;
        NotAfter = certificate.NotAfter;
        _privateKeyPem = privateKeyPem;
    }

    /// <summary>
    /// The leaf first, then the intermediates if any; never the root, except when this is a root itself. Ends with one newline.
    /// </summary>
    public string CertificatePem { get; }

    /// <summary>PKCS#8 PEM in ASCII, ending with one newline. Throws <see cref="ObjectDisposedException"/> after disposal.</summary>
    public ReadOnlyMemory<byte> PrivateKeyPem
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _privateKeyPem;
        }
    }

    /// <summary>The serial number of the leaf in lower-case hex, as openssl prints it, without colons.</summary>
    public string SerialNumber { get; }

    /// <summary>The first second at which the leaf is valid.</summary>
    public DateTimeOffset NotBefore { get; }

    /// <summary>The last second at which the leaf is valid.</summary>
    public DateTimeOffset NotAfter { get; }

    /// <summary>Zeroes the private key.</summary>
    public void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_privateKeyPem);
    }
}
