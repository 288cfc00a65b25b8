using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>A serving certificate with its key and chain, ready for TLS handshakes.</summary>
public sealed class ServerIdentity
{
    private ServerIdentity(X509Certificate2 certificate, SslStreamCertificateContext context, string fingerprint)
    {
        Context = context;
        Fingerprint = fingerprint;
        SerialNumber = certificate.SerialNumber;
        NotBefore = certificate.NotBefore;
        NotAfter = certificate.NotAfter;
    }

    /// <summary>Goes into the options of a handshake.</summary>
    public SslStreamCertificateContext Context { get; }

    /// <summary>The same certificate and key have the same fingerprint, see <see cref="FingerprintOf"/>.</summary>
    public string Fingerprint { get; }

    /// <summary>The serial number in hex.</summary>
    public string SerialNumber { get; }

    /// <summary>The first second at which the certificate is valid.</summary>
    public DateTimeOffset NotBefore { get; }

    /// <summary>The last second at which the certificate is valid.</summary>
    public DateTimeOffset NotAfter { get; }

    /// <summary>Loads PEM text.</summary>
    /// <param name="certificatePem">The certificate first, then the certificates to serve with it.</param>
    /// <param name="keyPem">The private key.</param>
    /// <exception cref="ServingCertificateException">One of them can't be read, or the key does not belong to the certificate.</exception>
    public static ServerIdentity Load(string certificatePem, ReadOnlySpan<byte> keyPem)
    {
        var key = new char[Encoding.UTF8.GetMaxCharCount(keyPem.Length)];
        try
        {
            var length = Encoding.UTF8.GetChars(keyPem, key);
            var certificate = X509Certificate2.CreateFromPem(certificatePem, key.AsSpan(0, length));
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificatePem);
            return new ServerIdentity(
                certificate, SslStreamCertificateContext.Create(certificate, chain, offline: true), FingerprintOf(certificatePem, keyPem));
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new ServingCertificateException(
                "The serving certificate can't be used: provide a certificate and the key that belongs to it, both as PEM.", exception);
        }
        finally
        {
            Array.Clear(key);
        }
    }

    /// <summary>The SHA-256 of certificate and key.</summary>
    public static string FingerprintOf(string certificatePem, ReadOnlySpan<byte> keyPem)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(certificatePem));
        hash.AppendData(keyPem);
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}

/// <summary>The serving certificate can't be used; the message says what to check.</summary>
/// <param name="message">One sentence for the log.</param>
/// <param name="cause">The exception that caused it.</param>
public sealed class ServingCertificateException(string message, Exception cause) : Exception(message, cause);
