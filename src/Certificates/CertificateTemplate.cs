using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CapiRegistryHook.Certificates;

/// <summary>The content of a root, a cross-certificate and a server certificate.</summary>
internal static class CertificateTemplate
{
    private const int LongestCommonName = 64;
    private static readonly Oid ServerAuthentication = new(CertificateExtensions.ServerAuthentication);

    /// <summary>
    /// No path length: a root with path length 0 can't cross-certify its successor, so clients that trust only the former root would fail
    /// after a rotation ("too many intermediates").
    /// </summary>
    public static CertificateRequest Root(string commonName, PublicKey key, HashAlgorithmName hash)
    {
        var request = new CertificateRequest(Subject(commonName), key, hash);
        var identifier = new X509SubjectKeyIdentifierExtension(key, critical: false);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(identifier);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(identifier));
        return request;
    }

    /// <summary>
    /// The successor's name, key and key identifier as they stand in its root; no path length, since further cross-certificates may
    /// follow.
    /// </summary>
    public static CertificateRequest CrossCertificate(Certificate successor, byte[] issuerKeyIdentifier, HashAlgorithmName hash)
    {
        var key = PublicKey.CreateFromSubjectPublicKeyInfo(successor.PublicKeyInfo, out _);
        var request = new CertificateRequest(new X500DistinguishedName(successor.SubjectName), key, hash);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(successor.SubjectKeyIdentifier, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(issuerKeyIdentifier));
        return request;
    }

    /// <summary>
    /// The issuer's key identifier is copied from its certificate, not computed: cert-manager and openssl may use another hash.
    /// </summary>
    public static CertificateRequest Server(
        ServerCertificateRequest wanted, PublicKey key, byte[] issuerKeyIdentifier, HashAlgorithmName hash)
    {
        var request = new CertificateRequest(Subject(wanted.CommonName), key, hash);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForEndEntity(critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(UsageOf(wanted.Algorithm), critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([ServerAuthentication], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(key, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(issuerKeyIdentifier));
        request.CertificateExtensions.Add(Names(wanted.Names));
        return request;
    }

    /// <summary>127 random bits: positive in DER, and far above the 64 bits that the CA/Browser Forum requires.</summary>
    public static byte[] NewSerialNumber()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        return serial;
    }

    /// <summary>Built, not parsed: a comma or an equals sign in the name stays a part of the name.</summary>
    private static X500DistinguishedName Subject(string commonName)
    {
        if (string.IsNullOrWhiteSpace(commonName) || commonName.Length > LongestCommonName || commonName.Any(char.IsControl))
            throw new ArgumentException("A common name has 1 to 64 characters and no control characters.", nameof(commonName));
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName(commonName);
        return name.Build();
    }

    /// <summary>Key encipherment is the old RSA key exchange of TLS 1.2; an EC key can't do it.</summary>
    private static X509KeyUsageFlags UsageOf(KeyAlgorithm algorithm) => algorithm == KeyAlgorithm.EcdsaP256
        ? X509KeyUsageFlags.DigitalSignature
        : X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment;

    private static X509Extension Names(ServerNames names)
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (var name in names.DnsNames) builder.AddDnsName(name);
        foreach (var address in names.Addresses) builder.AddIpAddress(address);
        return builder.Build();
    }
}

/// <summary>What a new root certificate should be.</summary>
/// <param name="CommonName">The subject's common name, 1 to 64 characters without control characters (X.520's upper bound).</param>
/// <param name="Algorithm">The kind of key to make.</param>
/// <param name="Lifetime">How long from now it is valid, at least one second. An end past the year 9999 is cut to it.</param>
public sealed record RootRequest(string CommonName, KeyAlgorithm Algorithm, TimeSpan Lifetime);

/// <summary>What a new server certificate should be.</summary>
/// <param name="CommonName">The subject's common name, 1 to 64 characters without control characters (X.520's upper bound). Clients match
/// <paramref name="Names"/> and ignore it.</param>
/// <param name="Names">The names and addresses it is valid for, exactly these; at least one.</param>
/// <param name="Algorithm">The kind of key to make.</param>
/// <param name="Lifetime">How long from now it is valid, at least one second. It is cut to the end of the issuer.</param>
public sealed record ServerCertificateRequest(string CommonName, ServerNames Names, KeyAlgorithm Algorithm, TimeSpan Lifetime);
