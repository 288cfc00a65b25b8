using System.Collections.Concurrent;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Certificates;

/// <summary>
/// The parsed fields of one certificate. It holds no native handle, so it can be shared between threads and needs no disposal. Everything
/// is read at once, so a malformed extension fails here and not in the middle of a decision.
/// </summary>
internal sealed class Certificate
{
    /// <summary>
    /// A fleet has a handful of roots and reads them all the time; a certificate takes 2 to 3 KB. Beyond the limit, all are forgotten and
    /// read again.
    /// </summary>
    private const int MostRemembered = 512;

    private static readonly ConcurrentDictionary<string, Certificate> Remembered = new(StringComparer.Ordinal);

    private readonly Lazy<bool> _isSelfSigned;

    private Certificate(byte[] der, X509Certificate2 x509)
    {
        Der = der;
        Thumbprint = ThumbprintOf(der);
        _isSelfSigned = new Lazy<bool>(() => IssuedByName(this) && CertificateSignature.Check(this, this) != SignatureVerdict.Invalid);
        SerialNumber = ReadSerialNumber(x509);
        Subject = x509.SubjectName.Name;
        Issuer = x509.IssuerName.Name;
        SubjectName = x509.SubjectName.RawData;
        IssuerName = x509.IssuerName.RawData;
        NotBefore = new DateTimeOffset(x509.NotBefore.ToUniversalTime());
        NotAfter = new DateTimeOffset(x509.NotAfter.ToUniversalTime());
        PublicKeyInfo = x509.PublicKey.ExportSubjectPublicKeyInfo();
        Extensions = CertificateExtensions.Read(x509);
        SubjectKeyIdentifier = Extensions.SubjectKeyIdentifier
            ?? new X509SubjectKeyIdentifierExtension(x509.PublicKey, critical: false).SubjectKeyIdentifierBytes.ToArray();
    }

    public ReadOnlyMemory<byte> Der { get; }

    /// <summary>SHA-256 of the certificate in lower-case hex.</summary>
    public string Thumbprint { get; }

    public string SerialNumber { get; }

    public string Subject { get; }

    public string Issuer { get; }

    public byte[] SubjectName { get; }

    public byte[] IssuerName { get; }

    public DateTimeOffset NotBefore { get; }

    public DateTimeOffset NotAfter { get; }

    public byte[] PublicKeyInfo { get; }

    public CertificateExtensions Extensions { get; }

    /// <summary>
    /// The certificate's own identifier or, where it has none, the SHA-1 of its key (RFC 5280 section 4.2.1.2, method 1).
    /// </summary>
    public byte[] SubjectKeyIdentifier { get; }

    public string Pem => PemEncoding.WriteString("CERTIFICATE", Der.Span) + "\n";

    /// <summary>
    /// Whether its own key signed it. The names alone don't tell: a cross-certificate between two roots of the same name is self-issued
    /// too. For signatures that are not checked here (SHA-1, RSA-PSS) the key identifiers decide, as in OpenSSL.
    /// </summary>
    public bool IsSelfSigned => _isSelfSigned.Value;

    /// <summary>Whether <paramref name="issuer"/>'s key signed this certificate, whatever the time.</summary>
    public bool IsIssuedBy(Certificate issuer) =>
        IssuedByName(issuer) && CertificateSignature.Check(this, issuer) == SignatureVerdict.Valid;

    /// <summary>
    /// Only for a certificate that was just issued here; any other may be malformed, so it is read with <see cref="Read"/>.
    /// </summary>
    public static Certificate Of(X509Certificate2 x509) => new(x509.RawData, x509);

    /// <summary>
    /// Throws <see cref="CertificateException"/> (<see cref="CertificateFault.Unreadable"/>) when this is not a certificate.
    /// </summary>
    public static Certificate Read(ReadOnlySpan<byte> der)
    {
        if (Remembered.TryGetValue(ThumbprintOf(der), out var known))
            return known;
        var certificate = Parse(der);
        if (Remembered.Count >= MostRemembered)
            Remembered.Clear();
        return Remembered.GetOrAdd(certificate.Thumbprint, certificate);
    }

    private static string ThumbprintOf(ReadOnlySpan<byte> der) => Convert.ToHexStringLower(SHA256.HashData(der));

    private static Certificate Parse(ReadOnlySpan<byte> der)
    {
        try
        {
            using var x509 = X509CertificateLoader.LoadCertificate(der);
            return new Certificate(x509.RawData, x509);
        }
        catch (Exception exception)
            when (exception is CryptographicException or AsnContentException or FormatException or ArgumentException or OverflowException)
        {
            // The platform parses lazily and throws all of these for malformed names, times and extensions.
            throw new CertificateException(CertificateFault.Unreadable);
        }
    }

    private bool IssuedByName(Certificate issuer) =>
        IssuerName.AsSpan().SequenceEqual(issuer.SubjectName)
        && (Extensions.AuthorityKeyIdentifier is not { } identifier || identifier.AsSpan().SequenceEqual(issuer.SubjectKeyIdentifier));

    /// <summary>As openssl prints it: without the zero byte that DER puts before a high bit.</summary>
    private static string ReadSerialNumber(X509Certificate2 x509)
    {
        var bytes = x509.SerialNumberBytes.Span;
        return Convert.ToHexStringLower(bytes.Length > 1 && bytes[0] == 0 ? bytes[1..] : bytes);
    }
}
